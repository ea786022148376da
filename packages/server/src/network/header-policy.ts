import { LOWER_CASE_OF_USUAL } from "./usual-header-names.js";

/**
 * Where callers carry credentials. Canonical names; a service's own injected names come on top. None of these ever
 * goes from a caller to an upstream.
 */
export const AUTH_CLASS_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "x-vault-token",
  "x-api-key",
  "api-key",
  "apikey",
  "x-goog-api-key",
  "x-auth-token",
  "x-access-token",
  "private-token",
]);

/** Fields of one connection only (RFC 9110 §7.6.1), besides those that `Connection` names. */
const HOP_BY_HOP = [
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

const DROPPED_REQUEST_HEADERS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...AUTH_CLASS_HEADERS,
  // The proxy frames and addresses the message itself (RFC 9112 §3.2, §6) and answers expectations (RFC 9110 §10.1.1).
  "content-length",
  "expect",
  "host",
  "forwarded",
  // Some servers take the target from here, which could then be one outside of the service's base path.
  "x-envoy-original-path",
  "x-http-host-override",
  "x-original-host",
  "x-original-uri",
  "x-original-url",
  "x-override-url",
  "x-rewrite-uri",
  "x-rewrite-url",
]);
const DROPPED_REQUEST_PREFIXES = ["x-vault-", "x-forwarded-", "proxy-"] as const;
const COOKIE_HEADERS: ReadonlySet<string> = new Set(["cookie", "cookie2"]);

const DROPPED_RESPONSE_HEADERS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  "proxy-authenticate",
  "set-cookie",
  "set-cookie2",
  // The answer comes from the vault's origin, and these would speak for that origin, not for the upstream's.
  "alt-svc",
  "clear-site-data",
  "content-security-policy",
  "content-security-policy-report-only",
  "nel",
  "permissions-policy",
  "public-key-pins",
  "report-to",
  "reporting-endpoints",
  "service-worker-allowed",
  "speculation-rules",
  "strict-transport-security",
  "x-content-type-options",
  "x-frame-options",
]);
const DROPPED_RESPONSE_PREFIXES = ["access-control-", "cross-origin-", "x-vault-"] as const;

/** A field name as the most lenient upstream reads it, for comparing: lower case, and `-` for what CGI makes `_`. */
export function canonicalHeaderName(name: string): string {
  const usual = LOWER_CASE_OF_USUAL.get(name);
  if (usual !== undefined) return usual;
  const lower = name.toLowerCase();
  return lower.includes("_") || lower.includes(".") ? lower.replaceAll(/[_.]/g, "-") : lower;
}

/**
 * What of a caller's header goes on to the upstream: order, letter case and repeats are kept; hop-by-hop fields and
 * all that `Connection` names, framing, `Host`, credentials, cookies, and what only proxies say are dropped.
 * `Content-Length` is dropped too: whoever forwards the body states its length.
 *
 * @param rawHeaders flat: name, value, name, value …
 * @param options.injectedNames canonical names of the headers that the service injects
 * @returns flat, a new array
 */
export function filterRequestHeaders(
  rawHeaders: readonly string[],
  options: { readonly injectedNames: ReadonlySet<string>; readonly forwardCookies: boolean },
): string[] {
  const { injectedNames, forwardCookies } = options;
  const connectionNames = namesInConnection(rawHeaders);
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const canonical = canonicalHeaderName(name);
    if (
      DROPPED_REQUEST_HEADERS.has(canonical) ||
      injectedNames.has(canonical) ||
      (!forwardCookies && COOKIE_HEADERS.has(canonical)) ||
      connectionNames?.has(canonical) === true ||
      startsWithAny(canonical, DROPPED_REQUEST_PREFIXES)
    ) {
      continue;
    }
    kept.push(name, rawHeaders[index + 1] ?? "");
  }
  return kept;
}

/**
 * What of an upstream's header goes on to the caller, as Latin-1 text: hop-by-hop fields and all that `Connection`
 * names, cookies, the vault's own names, and what would speak for the vault's origin are dropped; so the proxy can add
 * its own `Content-Security-Policy`, `X-Content-Type-Options` and `X-Frame-Options`.
 *
 * @param rawHeaders flat: name, value, name, value …
 * @returns flat, a new array
 */
export function filterResponseHeaders(rawHeaders: readonly Buffer[] | readonly string[]): string[] {
  const fields = new Array<string>(rawHeaders.length);
  for (let index = 0; index < rawHeaders.length; index += 1) fields[index] = latin1(rawHeaders[index]);
  const connectionNames = namesInConnection(fields);
  const kept: string[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] ?? "";
    const canonical = canonicalHeaderName(name);
    if (
      DROPPED_RESPONSE_HEADERS.has(canonical) ||
      connectionNames?.has(canonical) === true ||
      startsWithAny(canonical, DROPPED_RESPONSE_PREFIXES)
    ) {
      continue;
    }
    kept.push(name, fields[index + 1] ?? "");
  }
  return kept;
}

function latin1(field: Buffer | string | undefined): string {
  if (field === undefined) return "";
  return typeof field === "string" ? field : field.toString("latin1");
}

/** Almost every message says `keep-alive` or `close` or nothing here, which needs no set. */
function namesInConnection(fields: readonly string[]): ReadonlySet<string> | undefined {
  let names: Set<string> | undefined;
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] ?? "";
    if (name.length !== "connection".length || name.toLowerCase() !== "connection") continue;
    for (const option of (fields[index + 1] ?? "").split(",")) {
      const named = canonicalHeaderName(option.trim());
      if (named === "" || named === "keep-alive" || named === "close") continue;
      names ??= new Set();
      names.add(named);
    }
  }
  return names;
}

function startsWithAny(name: string, prefixes: readonly string[]): boolean {
  for (const prefix of prefixes) {
    if (name.startsWith(prefix)) return true;
  }
  return false;
}
