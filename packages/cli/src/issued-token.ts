import type { IssuedToken, VaultClient } from "@vault-proxy/client";

import { CliError } from "./failures.js";
import type { CommandContext } from "./command-context.js";
import { assertTokenId } from "./issued-token-check.js";
import { giveUpToken } from "./run/agent-token.js";
import { writeFailureText } from "./write-failure.js";

/**
 * Prints a new token, the only thing on stdout, so that a script can put it into a variable.
 * @throws CliError when it could not be written: nobody has it, and it is revoked
 */
export async function deliverToken(
  { output, bin }: Pick<CommandContext, "output" | "bin">,
  client: VaultClient,
  token: IssuedToken,
): Promise<void> {
  assertTokenId(token);
  try {
    await output.deliver(token.id, token);
  } catch (error) {
    client.token = token.id;
    const reason = await giveUpToken(client);
    throw new CliError(
      writeFailureText(error),
      reason === undefined
        ? "the token that nobody got is revoked again"
        : `the token that nobody got stays valid (${reason}): find it with \`${bin} token list\`, and revoke it`,
    );
  }
  if (output.json) return;
  output.note([`scope ${token.scope}`, `valid until ${token.expires_at}`, ...policyNote(token)].join(", "));
}

function policyNote({ policy }: IssuedToken): string[] {
  if (policy === undefined) return [];
  return [typeof policy === "string" ? `policy ${policy}` : "with rules of its own"];
}
