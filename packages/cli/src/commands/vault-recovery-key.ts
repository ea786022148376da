import type { ConfigureCommand } from "../command-definition.js";
import { CliError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { addPasswordOptions, connectForPassword, toPasswordRefusal } from "../password-delivery.js";
import { readMasterPassword } from "../password.js";

interface RecoveryKeyOptions {
  readonly passwordFile?: string;
  readonly listenerUid?: string;
}

/** Nine groups of four characters of Crockford's base32. */
const RECOVERY_KEY = /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){8}$/;

const WHAT_IT_IS = [
  "This key opens the vault as the password does: `unlock` and `password change` take it.",
  "Keep it on paper, away from this machine. It is not shown again; a new one replaces it.",
];

export const configureVaultRecoveryKey: ConfigureCommand = (command, perform) => {
  addPasswordOptions(command).addHelpText(
    "after",
    `\nThe password is asked for without echo, or is the first line of standard input.` +
      `\nThe key is the only output on stdout.\n${WHAT_IT_IS.join("\n")}`,
  );
  addExamples(command, "% vault recovery-key", "% vault recovery-key --password-file ~/.vault-password");
  command.action((options: RecoveryKeyOptions) =>
    perform(async (context) => {
      const { output } = context;
      const client = await connectForPassword(context, options);
      const password = await readMasterPassword(context, options);
      const key = await client.createRecoveryKey(password).catch((error: unknown) => {
        throw toPasswordRefusal(error);
      });
      // Whoever answered may be no vault, and this goes onto paper.
      if (!RECOVERY_KEY.test(key)) throw new CliError("the answer holds no recovery key of a vault-server");
      await output.deliver(key, { recovery_key: key }).catch(() => {
        throw new CliError(
          "the recovery key was made but could not be written, and the one before is void: make another",
        );
      });
      for (const line of WHAT_IT_IS) output.note(line);
      return undefined;
    }),
  );
};
