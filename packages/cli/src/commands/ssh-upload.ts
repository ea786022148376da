import type { ConfigureCommand } from "../command-definition.js";
import { UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { openLocalFile } from "../local-file.js";
import { startProgress } from "../transfer-progress.js";
import { sizeText } from "../size-text.js";

interface UploadFlags {
  readonly mode?: string;
}

export const configureSshUpload: ConfigureCommand = (command, perform) => {
  command
    .argument("<service>", "name of a service of type ssh_key")
    .argument("<file>", "the local file, 50 MiB at most; - for standard input")
    .argument("<remote path>", "where it goes at the server: a whole path, with its name")
    .option("--mode <mode>", "permissions, in octal digits (default: 0644)");
  command.addHelpText(
    "after",
    "\nFolders that are missing are made. A file that is there is replaced at once, when all has arrived.",
  );
  addExamples(
    command,
    "% ssh upload box app.tar.gz /srv/releases/app.tar.gz",
    "% ssh upload box deploy.sh /srv/bin/deploy.sh --mode 0755",
    "git archive HEAD | % ssh upload box - /srv/releases/head.tar",
  );
  command.action((service: string, path: string, remotePath: string, { mode }: UploadFlags) =>
    perform(async ({ connect, output, stdin, stderr }) => {
      if (mode !== undefined && !/^[0-7]{3,4}$/.test(mode)) {
        throw new UsageError(`"${mode}" is no mode`, "write three or four octal digits, such as 0644");
      }
      const client = await connect("token");
      const content: AsyncIterable<Uint8Array> =
        path === "-"
          ? stdin
          : (await openLocalFile(path, "pipe it to standard input, with - as the file")).stream();
      const progress = startProgress({ stderr, output }, `Uploading to ${service}`);
      const uploaded = await client
        .sshUpload(service, remotePath, progress.follow(content), { mode, timeoutMs: 0 })
        .finally(() => progress.end());
      if (output.json) output.data(uploaded);
      else output.confirm(`File uploaded to ${uploaded.remote_path}: ${sizeText(uploaded.bytes)}`);
      return undefined;
    }),
  );
};
