import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { PASSWORD_SOURCES } from "../password.js";
import { addUnlockOptions, assertUnlockOptions, unlockAndSave, type UnlockOptions } from "../unlocking.js";

export const configureUnlock: ConfigureCommand = (command, perform) => {
  addUnlockOptions(command).addHelpText(
    "after",
    `\n${PASSWORD_SOURCES}\nThe first unlock creates the vault.\nThe session that was saved before ends, and with it what it opened.`,
  );
  addExamples(
    command,
    "% unlock",
    "% unlock --password-file ~/.vault-password",
    "% unlock --idle-timeout 2h",
    "pass show vault | % unlock",
  );
  command.action((options: UnlockOptions) =>
    perform(async (context) => {
      const { output } = context;
      assertUnlockOptions(options);
      const session = await unlockAndSave(context, await context.connect("no token"), options);
      if (output.json) {
        const { scope, expires_at, idle_timeout } = session;
        output.data({ status: "unlocked", scope, expires_at, idle_timeout });
      } else {
        output.confirm("Vault unlocked. Session saved.");
      }
      if ((context.env.VAULT_TOKEN ?? "") !== "") {
        output.warn("VAULT_TOKEN is set and goes before the saved session");
      }
      return undefined;
    }),
  );
};
