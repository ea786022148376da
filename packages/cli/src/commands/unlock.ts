import type { ConfigureCommand } from "../command-definition.js";
import { sessionAddress } from "../connection.js";
import { CliError, UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { assertTokenId } from "../issued-token-check.js";
import { assertTrustedListener } from "../listener-check.js";
import { readPassword } from "../password.js";
import { writeSession } from "../session-file.js";

interface UnlockOptions {
  readonly passwordFile?: string;
  readonly listenerUid?: string;
}

export const configureUnlock: ConfigureCommand = (command, perform) => {
  command
    .option("--password-file <file>", "take the password from the first line of a file")
    .option(
      "--listener-uid <uid>",
      "trust a loopback listener of this user id, or of `any`; the session remembers it",
    );
  command.addHelpText(
    "after",
    "\nThe password is asked for without echo, or is the first line of standard input.\nThe first unlock creates the vault.",
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
      if (options.listenerUid !== undefined && !/^(\d+|any)$/.test(options.listenerUid)) {
        throw new UsageError("--listener-uid takes a number or `any`");
      }
      const client = await context.connect("no token");
      const { initialized } = await client.healthDetails();
      await assertTrustedListener(client.addr, options.listenerUid, {
        secret: "the password",
        advice: "if that is where vault-server runs, pass --listener-uid",
      });
      const password = await readPassword(context, { ...options, creating: !initialized });
      const session = await client.unlockWithDetails(password).catch((error: unknown) => {
        throw isWrongPassword(error) ? new CliError(error.message) : error;
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

/** Here 401 is about the password; the usual advice would be to unlock. */
function isWrongPassword(error: unknown): error is Error {
  return error instanceof Error && "status" in error && error.status === 401;
}
