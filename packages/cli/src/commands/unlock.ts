import type { ConfigureCommand } from "../command-definition.js";
import { sessionAddress } from "../connection.js";
import { addExamples } from "../help-examples.js";
import { assertTokenId } from "../issued-token-check.js";
import {
  addPasswordOptions,
  assertListenerUid,
  assertPasswordMayGo,
  toPasswordRefusal,
} from "../password-delivery.js";
import { PASSWORD_SOURCES, readFirstPassword, readPassword } from "../password.js";
import { writeSession } from "../session-file.js";

interface UnlockOptions {
  readonly passwordFile?: string;
  readonly listenerUid?: string;
}

export const configureUnlock: ConfigureCommand = (command, perform) => {
  addPasswordOptions(command, "; the session remembers it").addHelpText(
    "after",
    `\n${PASSWORD_SOURCES}\nThe first unlock creates the vault.`,
  );
  addExamples(
    command,
    "% unlock",
    "% unlock --password-file ~/.vault-password",
    "pass show vault | % unlock",
  );
  command.action((options: UnlockOptions) =>
    perform(async (context) => {
      const { output } = context;
      assertListenerUid(options);
      const client = await context.connect("no token");
      const { initialized } = await client.healthDetails();
      await assertPasswordMayGo(client, options.listenerUid);
      const password = await (initialized ? readPassword : readFirstPassword)(context, options);
      const session = await client.unlockWithDetails(password).catch((error: unknown) => {
        throw toPasswordRefusal(error);
      });
      assertTokenId(session);
      await writeSession(context.sessionPath, {
        token: session.id,
        address: sessionAddress(client),
        listenerUid: options.listenerUid,
      });
      if (output.json) {
        output.data({ status: "unlocked", scope: session.scope, expires_at: session.expires_at });
      } else {
        output.result("Vault unlocked. Session saved.");
      }
      if ((context.env.VAULT_TOKEN ?? "") !== "") {
        output.warn("VAULT_TOKEN is set and goes before the saved session");
      }
      return undefined;
    }),
  );
};
