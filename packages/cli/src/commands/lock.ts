import { VaultError } from "@vault-proxy/client";

import type { ConfigureCommand } from "../command-definition.js";
import { sessionAddress } from "../connection.js";
import { addExamples } from "../help-examples.js";
import { readSession, removeSession } from "../session-file.js";

export const configureLock: ConfigureCommand = (command, perform) => {
  command.option(
    "--revoke-tokens",
    "also revoke every token; otherwise they work again after the next unlock",
  );
  addExamples(command, "% lock", "% lock --revoke-tokens");
  command.action((options: { readonly revokeTokens?: boolean }) =>
    perform(async ({ connect, output, sessionPath }) => {
      const client = await connect("token");
      const { token } = client;
      try {
        await client.lock({ revokeTokens: options.revokeTokens });
      } catch (error) {
        const alreadyLocked = error instanceof VaultError && error.code === "vault_locked";
        if (!alreadyLocked || options.revokeTokens === true) throw error;
      }
      await endSession(sessionPath, sessionAddress(client), token);
      if (output.json) output.data({ status: "locked" });
      else output.confirm("Vault locked.");
      return undefined;
    }),
  );
};

/** VAULT_TOKEN may have locked another vault than the one that the saved session is for. */
async function endSession(path: string, address: string, token: string): Promise<void> {
  // One that cannot be read is not known to be of this vault.
  const session = await readSession(path).catch(() => undefined);
  if (session?.address === address || session?.token === token) await removeSession(path);
}
