import { arrayAnswer, objectAnswer, optionalStringFields, stringField } from "./answer.js";
import type { PolicyContent } from "./policies.js";
import { pathSegment } from "./request-target.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";

/** `admin` may do everything; `proxy` may use services but neither read nor change them; `metrics` may read metrics only. */
export type TokenScope = "admin" | "proxy" | "metrics";

/** Snake case, as the vault takes it. */
export interface TokenRequest extends Omit<ChildTokenRequest, "policy"> {
  readonly scope?: TokenScope | undefined;
  /** A stored policy by its name, or one of the token's own. Without it, every service. For scope `proxy` only. */
  readonly policy?: string | PolicyContent | undefined;
}

export interface ChildTokenRequest {
  readonly name?: string | undefined;
  /** A Go duration: `90s`, `24h`, `168h` for a week. */
  readonly ttl?: string | undefined;
  /** RFC 3339; instead of `ttl`. */
  readonly expires_at?: string | undefined;
  /** A part of what the token that asks may do; all of that without it. */
  readonly policy?: PolicyContent | undefined;
}

/** The only answer that shows a token. */
export interface IssuedToken {
  readonly id: string;
  readonly scope: TokenScope;
  readonly created_at: string;
  readonly expires_at: string;
  readonly name?: string;
  readonly policy?: string | PolicyContent;
  /** Of an unlock that asked for it: a Go duration. */
  readonly idle_timeout?: string;
}

export interface TokenInfo {
  /** Ends in `...`; `revokeToken` and `resumeToken` take it as it is. */
  readonly id_prefix: string;
  readonly scope: TokenScope;
  readonly created_at: string;
  readonly expires_at: string;
  readonly name?: string;
  /** The name of a stored policy, or the token's own. */
  readonly policy?: string | PolicyContent;
  /** The prefix of the token that made this one. */
  readonly parent?: string;
  readonly last_used_at?: string;
  /** A Go duration; absent for a token that may be idle. */
  readonly idle_timeout?: string;
  /** RFC 3339: refused since then, until `resumeToken`. Absent for a token that is accepted. */
  readonly suspended_at?: string;
}

export async function createToken(
  transport: Transport,
  request: TokenRequest,
  options: CallOptions = {},
): Promise<IssuedToken> {
  const body = { scope: "proxy", ...request };
  const answer = await transport.json({ ...options, method: "POST", target: "/tokens", body });
  return issuedToken(answer);
}

export async function createChildToken(
  transport: Transport,
  request: ChildTokenRequest,
  options: CallOptions = {},
): Promise<IssuedToken> {
  const call = { ...options, method: "POST", target: "/tokens/self/children", body: { ...request } };
  return issuedToken(await transport.json(call));
}

export async function listTokens(transport: Transport, options: CallOptions = {}): Promise<TokenInfo[]> {
  const answer = await transport.json({ ...options, method: "GET", target: "/tokens" });
  return arrayAnswer(answer).map(tokenInfo);
}

export async function revokeToken(
  transport: Transport,
  id: string,
  options: CallOptions = {},
): Promise<void> {
  await transport.json({ ...options, method: "DELETE", target: `/tokens/${pathSegment(id)}` });
}

export async function resumeToken(
  transport: Transport,
  id: string,
  options: CallOptions = {},
): Promise<void> {
  await transport.json({ ...options, method: "POST", target: `/tokens/${pathSegment(id)}/resume` });
}

/** @throws VaultError `invalid_answer` when it is none */
export function issuedToken(answer: unknown): IssuedToken {
  stringField(answer, "id");
  stringField(answer, "scope");
  optionalStringFields(answer, "created_at", "expires_at", "name", "idle_timeout");
  optionalPolicy(answer);
  return objectAnswer(answer) as unknown as IssuedToken;
}

function tokenInfo(answer: unknown): TokenInfo {
  stringField(answer, "id_prefix");
  stringField(answer, "scope");
  optionalStringFields(answer, "created_at", "expires_at", "name", "parent", "idle_timeout");
  optionalStringFields(answer, "last_used_at", "suspended_at");
  optionalPolicy(answer);
  return objectAnswer(answer) as unknown as TokenInfo;
}

function optionalPolicy(answer: unknown): void {
  const { policy } = objectAnswer(answer);
  if (policy !== undefined && typeof policy !== "string") arrayAnswer(objectAnswer(policy).rules);
}
