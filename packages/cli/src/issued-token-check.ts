import type { IssuedToken } from "@vault-proxy/client";

import { CliError } from "./failures.js";

/** `tok_` and 256 random bits in base64url. */
const TOKEN_ID = /^tok_[A-Za-z0-9_-]{43}$/;

/** Before a token is saved or printed: whoever answered may be no vault, and a script puts it into a variable. */
export function assertTokenId({ id }: IssuedToken): void {
  if (!TOKEN_ID.test(id)) throw new CliError("the answer holds no token of a vault-server");
}
