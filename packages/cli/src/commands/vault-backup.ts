import type { BackUpRequest } from "@vault-proxy/server/vault-file";

import type { ConfigureCommand } from "../command-definition.js";
import {
  addDataDirectoryOption,
  dataDirectory,
  vaultFileIn,
  type DataDirectoryOptions,
} from "../data-directory.js";
import { CliError, UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { untilInterrupted } from "../interruption.js";
import { PASSWORD_SOURCES, readPassword } from "../password.js";
import { contentText } from "../vault-content-text.js";
import { sizeText } from "../size-text.js";

interface BackupOptions extends DataDirectoryOptions {
  readonly passwordFile?: string;
  readonly frameOnly?: boolean;
  readonly force?: boolean;
}

export const configureVaultBackup: ConfigureCommand = (command, perform) => {
  addDataDirectoryOption(command.argument("<path>", "the file to make"))
    .option("--password-file <file>", "take the password from the first line of a file")
    .option("--frame-only", "ask for no password, and check no more than that the copy is whole in form")
    .option("-f, --force", "replace a file of that name")
    .addHelpText(
      "after",
      "\nWorks beside a running server. The copy is verified before and after it is written, and is as secret as" +
        `\nthe vault: it opens with the password that holds now.\n${PASSWORD_SOURCES}`,
    );
  addExamples(
    command,
    "% vault backup /mnt/backup/vault-2026-11-22.enc",
    "% vault backup /mnt/backup/vault.enc --force --frame-only",
  );
  command.action((path: string, options: BackupOptions) =>
    perform(async (context) => {
      const { output } = context;
      const { frameOnly, force, passwordFile } = options;
      if (frameOnly === true && passwordFile !== undefined) {
        throw new UsageError("--frame-only takes no password");
      }
      // Elsewhere `-` is standard output, which a vault does not belong on.
      if (path === "-") throw new UsageError("a backup does not go to standard output: give a file name");
      const { Secret, assertFileThere, backUpVault } = await import("@vault-proxy/server/vault-file");
      const from = vaultFileIn(dataDirectory(options, context.env));
      await assertFileThere(from);
      const check =
        frameOnly === true ? "frame only" : { password: new Secret(await readPassword(context, options)) };
      const request: BackUpRequest = { from, to: path, check, overwrite: force === true };
      const backup = await untilInterrupted((signal) => backUpVault({ ...request, signal })).catch(
        (error: unknown) => {
          throw isInTheWay(error)
            ? new CliError(error.message, "pass --force to replace it", error.code)
            : error;
        },
      );
      const { content, bytes } = backup;
      if (output.json) output.data({ path, bytes, verified: content !== undefined, ...content });
      else {
        output.confirm(`Backup saved to ${path}: ${sizeText(bytes)}`);
        if (content !== undefined) output.confirm(contentText(content));
      }
      if (content === undefined) output.warn("only its form was checked, not what is sealed in it");
      return undefined;
    }),
  );
};

function isInTheWay(error: unknown): error is Error & { readonly code: "conflict" } {
  return error instanceof Error && "code" in error && error.code === "conflict";
}
