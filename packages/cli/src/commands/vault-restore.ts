import type { ConfigureCommand } from "../command-definition.js";
import { addDataDirectoryOption, dataDirectory, type DataDirectoryOptions } from "../data-directory.js";
import { CliError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { untilInterrupted } from "../interruption.js";
import { PASSWORD_SOURCES, readPassword } from "../password.js";
import { confirmDestruction } from "../prompt.js";
import { contentText } from "../vault-content-text.js";
import { assertVaultFile, toFileRefusal } from "../vault-file-refusal.js";

interface RestoreOptions extends DataDirectoryOptions {
  readonly passwordFile?: string;
  readonly force?: boolean;
  readonly yes?: boolean;
}

const WHAT_HOLDS_AGAIN =
  "the password, the recovery key and the tokens of the backup's time hold again, also those revoked since";

/** That an earlier restore kept a vault, which a second would give up. */
function isKept(error: unknown): error is Error {
  return (
    error instanceof Error &&
    "code" in error &&
    error.code === "conflict" &&
    error.message.includes("is still there")
  );
}

export const configureVaultRestore: ConfigureCommand = (command, perform) => {
  addDataDirectoryOption(command.argument("<path>", "the backup; one of the Go server's vault file will do"))
    .option("--password-file <file>", "take the backup's password from the first line of a file")
    .option("-f, --force", "give up the vault that an earlier restore kept")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      "\nStop vault-server first. The backup is verified before and after, and takes its place in one step; the vault" +
        `\nthat was there is kept as vault.enc.replaced. Note: ${WHAT_HOLDS_AGAIN}.\n${PASSWORD_SOURCES}`,
    );
  addExamples(
    command,
    "% vault restore /mnt/backup/vault-2026-11-22.enc",
    "% vault restore backup.enc --data-dir /var/lib/vault-proxy --yes",
  );
  command.action((path: string, options: RestoreOptions) =>
    perform(async (context) => {
      const { bin, output } = context;
      const dataDir = dataDirectory(options, context.env);
      const { Secret, assertFileThere, restoreVault } = await import("@vault-proxy/server/vault-file");
      await assertFileThere(path);
      await assertVaultFile(path, bin);
      await confirmDestruction(
        context,
        `Put ${path} in the place of the vault in ${dataDir}?`,
        options.yes === true,
      );
      const request = {
        dataDir,
        from: path,
        password: new Secret(await readPassword(context, options)),
        discardReplaced: options.force === true,
        warn: (message: string) => output.warn(message),
      };
      const restored = await untilInterrupted((signal) => restoreVault({ ...request, signal })).catch(
        async (error: unknown) => {
          throw isKept(error)
            ? new CliError(error.message, "--force gives it up", "conflict")
            : await toFileRefusal(error, path, bin);
        },
      );
      const { content, replaced } = restored;
      if (output.json) output.data({ status: "restored", path: restored.path, replaced, ...content });
      else {
        output.confirm(`Vault restored to ${restored.path}.`);
        output.prose(contentText(content));
      }
      if (replaced !== undefined) output.note(`The vault that was there is kept as ${replaced}.`);
      output.warn(WHAT_HOLDS_AGAIN);
      return undefined;
    }),
  );
};
