import type { IssuedToken } from "@vault-proxy/client";

import { assertTokenId } from "./issued-token-check.js";
import type { Output } from "./output.js";

/** Prints a new token, the only thing on stdout, so that a script can put it into a variable. */
export function deliverToken(output: Output, token: IssuedToken): void {
  assertTokenId(token);
  if (output.json) {
    output.data(token);
    return;
  }
  output.result(token.id);
  output.note([`scope ${token.scope}`, `valid until ${token.expires_at}`, ...policyNote(token)].join(", "));
}

function policyNote({ policy }: IssuedToken): string[] {
  if (policy === undefined) return [];
  return [typeof policy === "string" ? `policy ${policy}` : "with rules of its own"];
}
