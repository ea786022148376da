import { statSync } from "node:fs";
import { open } from "node:fs/promises";

import type { ConfigureCommand } from "../command-definition.js";
import { CliError } from "../failures.js";
import { fileFailure } from "../file-failure.js";
import { addExamples } from "../help-examples.js";
import { printable } from "../output.js";
import { confirmDestruction } from "../prompt.js";
import { whileShown } from "../transfer-progress.js";
import { sizeText } from "../size-text.js";

export const configureFileDownload: ConfigureCommand = (command, perform) => {
  command
    .argument("<name>", "name in the vault")
    .argument("[output]", "where to save it, - for stdout (default: its name, in this directory)")
    .option("-y, --yes", "replace a file of that name without asking");
  addExamples(command, "% file download google.json", "% file download google.json - | jq .client_email");
  command.action((name: string, target: string | undefined, options: { readonly yes?: boolean }) =>
    perform(async (context) => {
      const { connect, output, stderr } = context;
      const path = target ?? name;
      if (target !== "-" && isFile(path)) {
        await confirmDestruction(context, `Replace the file ${path}?`, options.yes === true);
      }
      const coming = (await connect("token")).getFile(name);
      const bytes = await whileShown({ stderr, output }, `Downloading ${printable(name)}`, coming);
      if (target === "-") {
        await output.bytes(bytes);
        return undefined;
      }
      if (target === undefined && /[/\\]/.test(name)) throw new CliError("name the file to save it to");
      await savePrivately(path, bytes);
      if (output.json) output.data({ name, path, size: bytes.length });
      else {
        // Programs know the line of the Go client.
        const size = output.onTerminal ? `: ${sizeText(bytes.length)}` : ` (${bytes.length} bytes)`;
        output.confirm(`File "${name}" saved to ${path}${size}`);
      }
      return undefined;
    }),
  );
};

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** The content is a credential: a new file is 0600, and so becomes one that is overwritten. */
async function savePrivately(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const file = await open(path, "w", 0o600);
    try {
      if ((await file.stat()).isFile()) await file.chmod(0o600);
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileFailure("write", path, error);
  }
}
