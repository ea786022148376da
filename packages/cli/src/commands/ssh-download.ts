import { stat } from "node:fs/promises";
import { join, posix } from "node:path";

import type { ConfigureCommand } from "../command-definition.js";
import { CliError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { untilInterrupted } from "../interruption.js";
import { saveFile } from "../saved-file.js";
import { startProgress } from "../transfer-progress.js";
import { sizeText } from "../size-text.js";

export const configureSshDownload: ConfigureCommand = (command, perform) => {
  command
    .argument("<service>", "name of a service of type ssh_key")
    .argument("<remote path>", "the file at the server: a whole path; 50 MiB at most")
    .argument("[file]", "where to save it, - for stdout (default: its name, in this directory)");
  command.addHelpText("after", "\nA local file of that name is replaced at once, when all has arrived.");
  addExamples(
    command,
    "% ssh download box /var/log/app/today.log",
    "% ssh download box /srv/backup.tar /tmp/",
    "% ssh download box /srv/app/config.json - | jq .version",
  );
  command.action((service: string, remotePath: string, target?: string) =>
    perform(async ({ connect, output, stderr }) => {
      const path = target === "-" ? undefined : await localPath(remotePath, target);
      const client = await connect("token");
      const progress = startProgress({ stderr, output }, `Downloading from ${service}`);
      const content = (signal?: AbortSignal): AsyncIterable<Uint8Array> =>
        progress.follow(client.sshDownloadStream(service, remotePath, { signal }));
      try {
        if (path === undefined) {
          // On a terminal the content itself shows how far it is.
          const shown = output.onTerminal ? client.sshDownloadStream(service, remotePath) : content();
          for await (const chunk of shown) await output.bytes(chunk);
          return undefined;
        }
        const bytes = await untilInterrupted(
          (signal) => saveFile(path, content(signal)),
          "nothing was saved",
        );
        progress.end();
        if (output.json) output.data({ remote_path: remotePath, path, size: bytes });
        else output.confirm(`File "${remotePath}" saved to ${path}: ${sizeText(bytes)}`);
        return undefined;
      } finally {
        progress.end();
      }
    }),
  );
};

async function localPath(remotePath: string, target: string | undefined): Promise<string> {
  const name = posix.basename(remotePath);
  const isFolder =
    target !== undefined && (await stat(target).catch(() => undefined))?.isDirectory() === true;
  if (target !== undefined && !isFolder) return target;
  if (name === "" || name === "." || name === "..") throw new CliError("name the file to save it to");
  return join(target ?? ".", name);
}
