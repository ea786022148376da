import { VaultError } from "@vault-proxy/client";

import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { removeSession } from "../session-file.js";

export const configureLock: ConfigureCommand = (command, perform) => {
  command.option(
    "--revoke-tokens",
    "also revoke every token; otherwise they work again after the next unlock",
  );
  addExamples(command, "% lock", "% lock --revoke-tokens");
  command.action((options: { readonly revokeTokens?: boolean }) =>
    perform(async ({ connect, output, sessionPath }) => {
      const client = await connect("token");
      try {
        await client.lock({ revokeTokens: options.revokeTokens });
      } catch (error) {
        const alreadyLocked = error instanceof VaultError && error.code === "vault_locked";
        if (!alreadyLocked || options.revokeTokens === true) throw error;
      }
      await removeSession(sessionPath);
      if (output.json) output.data({ status: "locked" });
      else output.result("Vault locked.");
      return undefined;
    }),
  );
};
