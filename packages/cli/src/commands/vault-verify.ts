import type { ConfigureCommand } from "../command-definition.js";
import {
  addDataDirectoryOption,
  dataDirectory,
  vaultFileIn,
  type DataDirectoryOptions,
} from "../data-directory.js";
import { addExamples } from "../help-examples.js";
import { PASSWORD_SOURCES, readPassword } from "../password.js";
import { contentText } from "../vault-content-text.js";
import { assertVaultFile, toFileRefusal } from "../vault-file-refusal.js";

interface VerifyOptions extends DataDirectoryOptions {
  readonly passwordFile?: string;
}

export const configureVaultVerify: ConfigureCommand = (command, perform) => {
  addDataDirectoryOption(command.argument("[file]", "a vault file or backup (default: the vault's own)"))
    .option("--password-file <file>", "take the password from the first line of a file")
    .addHelpText("after", `\nWorks beside a running server. ${PASSWORD_SOURCES}`);
  addExamples(
    command,
    "% vault verify",
    "% vault verify /mnt/backup/vault.enc --password-file ~/.vault-password",
  );
  command.action((path: string | undefined, options: VerifyOptions) =>
    perform(async (context) => {
      const { bin, output } = context;
      const { Secret, assertFileThere, verifyVaultFile } = await import("@vault-proxy/server/vault-file");
      const asked = path ?? vaultFileIn(dataDirectory(options, context.env));
      await assertFileThere(asked);
      await assertVaultFile(asked, bin);
      const password = new Secret(await readPassword(context, options));
      const content = await verifyVaultFile(asked, password).catch(async (error: unknown) => {
        throw await toFileRefusal(error, asked, bin);
      });
      if (output.json) output.data({ status: "ok", path: asked, ...content });
      else {
        output.prose("Vault file is whole.");
        output.prose(contentText(content));
      }
      return undefined;
    }),
  );
};
