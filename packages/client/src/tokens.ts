import { arrayAnswer, objectAnswer, stringField } from "./answer.js";
import { pathSegment } from "./request-target.js";
import type { CallOptions, Transport } from "./transport.js";

/** `admin` may do everything; `proxy` may use services but neither read nor change them; `metrics` reads metrics. */
export type TokenScope = "admin" | "proxy" | "metrics";

/** Snake case, as the vault takes it. */
export interface TokenRequest {
  readonly scope?: TokenScope | undefined;
  readonly name?: string | undefined;
  /** A Go duration: `90s`, `24h`. */
  readonly ttl?: string | undefined;
  /** RFC 3339; instead of `ttl`. */
  readonly expires_at?: string | undefined;
  readonly policy?: string | undefined;
}

/** The only answer that shows a token. */
export interface IssuedToken {
  readonly id: string;
  readonly scope: TokenScope;
  readonly created_at: string;
  readonly expires_at?: string;
  readonly name?: string;
}

export interface TokenInfo {
  /** Ends in `...`; `revokeToken` takes it as it is. */
  readonly id_prefix: string;
  readonly scope: TokenScope;
  readonly created_at: string;
  readonly expires_at?: string;
  readonly name?: string;
  readonly policy?: string;
  readonly last_used_at?: string;
}

export async function createToken(
  transport: Transport,
  request: TokenRequest,
  options: CallOptions = {},
): Promise<IssuedToken> {
  const body = { scope: "proxy", ...request };
  const answer = await transport.json({ ...options, method: "POST", target: "/tokens", body });
  stringField(answer, "id");
  return objectAnswer(answer) as unknown as IssuedToken;
}

export async function listTokens(transport: Transport, options: CallOptions = {}): Promise<TokenInfo[]> {
  return arrayAnswer(await transport.json({ ...options, method: "GET", target: "/tokens" })) as TokenInfo[];
}

export async function revokeToken(
  transport: Transport,
  id: string,
  options: CallOptions = {},
): Promise<void> {
  await transport.json({ ...options, method: "DELETE", target: `/tokens/${pathSegment(id)}` });
}
