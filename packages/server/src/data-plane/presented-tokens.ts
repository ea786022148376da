import { canonicalHeaderName } from "../network/header-policy.js";
import { queryParameterValues } from "../network/query-parameters.js";

/** Where official SDKs put an API key, and so where a token is looked for on every call. */
const TOKEN_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "x-vault-token",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
]);

const TOKEN = /(?<![A-Za-z0-9_-])tok_[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/g;
const BASIC = /^basic[ \t]+([A-Za-z0-9+/=_-]+)[ \t]*$/i;
const MAX_BASIC_LENGTH = 8192;

/** Where a service's own credential goes: a token is taken from there too, as an SDK would put it. */
export interface CredentialPlaces {
  readonly headerNames: ReadonlySet<string>;
  readonly queryNames: ReadonlySet<string>;
}

/**
 * The distinct values of the form `tok_…` that a caller presents, in any `Authorization` scheme (Basic as user name
 * or password, RFC 7617), the headers of SDKs, and the places of the service's own credential.
 */
export function presentedTokens(
  rawHeaders: readonly string[],
  query: string | undefined,
  places: CredentialPlaces | undefined,
): ReadonlySet<string> {
  const tokens = new Set<string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = canonicalHeaderName(rawHeaders[index] ?? "");
    if (!TOKEN_HEADERS.has(name) && places?.headerNames.has(name) !== true) continue;
    collect(tokens, rawHeaders[index + 1] ?? "", name === "authorization");
  }
  if (query !== undefined && places !== undefined && places.queryNames.size > 0) {
    for (const value of queryParameterValues(query, places.queryNames)) collect(tokens, value, false);
  }
  return tokens;
}

function collect(tokens: Set<string>, value: string, mayBeBasic: boolean): void {
  if (value.includes("tok_")) for (const [token] of value.matchAll(TOKEN)) tokens.add(token);
  if (!mayBeBasic || value.length > MAX_BASIC_LENGTH) return;
  const encoded = BASIC.exec(value)?.[1];
  if (encoded === undefined) return;
  const pair = Buffer.from(encoded, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  for (const part of colon < 0 ? [pair] : [pair.slice(0, colon), pair.slice(colon + 1)]) {
    for (const [token] of part.matchAll(TOKEN)) if (token === part) tokens.add(token);
  }
}
