import type { ConfigureCommand } from "../command-definition.js";
import { sessionAddress } from "../connection.js";
import { goDuration, parseDuration } from "../duration.js";
import { UsageError } from "../failures.js";
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
  readonly idleTimeout: string;
}

export const configureUnlock: ConfigureCommand = (command, perform) => {
  addPasswordOptions(command, "; the session remembers it")
    .option("--idle-timeout <duration>", "end the session when it was not used for so long, or `off`", "15m")
    .addHelpText("after", `\n${PASSWORD_SOURCES}\nThe first unlock creates the vault.`);
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
      assertListenerUid(options);
      const idleTimeout = idleTimeoutOf(options.idleTimeout);
      const client = await context.connect("no token");
      const { initialized } = await client.healthDetails();
      await assertPasswordMayGo(client, options.listenerUid);
      const password = await (initialized ? readPassword : readFirstPassword)(context, options);
      const session = await client.unlockWithDetails(password, { idleTimeout }).catch((error: unknown) => {
        throw toPasswordRefusal(error);
      });
      assertTokenId(session);
      await writeSession(context.sessionPath, {
        token: session.id,
        address: sessionAddress(client),
        listenerUid: options.listenerUid,
      });
      if (output.json) {
        const { scope, expires_at, idle_timeout } = session;
        output.data({ status: "unlocked", scope, expires_at, idle_timeout });
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

/** @returns undefined for `off` */
function idleTimeoutOf(text: string): string | undefined {
  if (text === "off") return undefined;
  if (parseDuration(text) < 1000) {
    throw new UsageError("--idle-timeout must be at least 1s", "`off` lets the session be idle");
  }
  return goDuration(text);
}
