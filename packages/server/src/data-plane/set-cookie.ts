import { isIP } from "node:net";
import { canonicalDomain, Cookie, defaultPath, domainMatch, getPublicSuffix } from "tough-cookie";
import { Secret } from "../redaction/secret.js";
import { COOKIE_LIMITS } from "./cookie-limits.js";

/** Where a cookie comes from. */
export interface CookieOrigin {
  /** Canonical; an IPv6 address without brackets. */
  readonly host: string;
  /** Whether it came over TLS. */
  readonly isSecure: boolean;
}

/** A cookie that may be kept. Its host is that of its jar, so that a path is all that is left to compare. */
export interface ReceivedCookie {
  readonly name: string;
  readonly value: Secret;
  /** The host itself, or a parent of it that the cookie is for. */
  readonly domain: string;
  readonly path: string;
  /** Unix milliseconds; Infinity for a cookie of the session, in the past for one that is to be removed. */
  readonly expiresAt: number;
}

/** What can stand in a field value, but for tabs, of which parsers make what they like. */
const FIELD_CHARACTERS = /^[\x20-\x7e\x80-\xff]*$/;

/**
 * Reads one `Set-Cookie` field (RFC 6265 §5.2), and decides as its §5.3 says. Stricter in that `Secure` wants TLS on
 * loopback too and that the prefixes `__Secure-` and `__Host-` are minded (RFC 6265bis §4.1.3). `SameSite` and
 * `HttpOnly` are for browsers and mean nothing here.
 *
 * @param field Latin-1, as received
 * @param requestPath path of the request as it went out, without the query
 * @param now Unix milliseconds
 * @returns undefined for a cookie that is ignored
 */
export function readSetCookie(
  field: string,
  origin: CookieOrigin,
  requestPath: string,
  now: number,
): ReceivedCookie | undefined {
  if (field.length > COOKIE_LIMITS.fieldLength) return undefined;
  const cookie = Cookie.parse(field);
  if (cookie === undefined) return undefined;
  const { key: name, value, secure } = cookie;
  if (name.length + value.length > COOKIE_LIMITS.cookieLength) return undefined;
  if (!FIELD_CHARACTERS.test(name) || !FIELD_CHARACTERS.test(value)) return undefined;
  if (secure && !origin.isSecure) return undefined;
  const domain = domainOf(cookie, origin.host);
  if (domain === undefined || !isPrefixKept(cookie)) return undefined;
  return {
    name,
    value: new Secret(value),
    domain,
    path: pathOf(cookie) ?? defaultPath(requestPath),
    expiresAt: expiryOf(cookie, now),
  };
}

/** RFC 6265 §5.3, steps 4 to 6. */
function domainOf(cookie: Cookie, host: string): string | undefined {
  if (cookie.domain === null) return host;
  const domain = canonical(cookie.domain);
  if (domain === undefined) return undefined;
  // A public suffix that is the host itself, such as a name without dots, makes a cookie of that host.
  if (domain === host) return host;
  return isPublicSuffix(domain) || domainMatch(host, domain) !== true ? undefined : domain;
}

function canonical(domain: string): string | undefined {
  try {
    return canonicalDomain(domain);
  } catch {
    return undefined;
  }
}

function isPublicSuffix(domain: string): boolean {
  const registrable = getPublicSuffix(domain, { allowSpecialUseDomain: true, ignoreError: true });
  return registrable === undefined && isIP(domain) === 0;
}

function isPrefixKept({ key, secure, domain, path }: Cookie): boolean {
  const name = key.toLowerCase();
  if (name.startsWith("__host-")) return secure && domain === null && path === "/";
  return secure || !name.startsWith("__secure-");
}

function pathOf({ path }: Cookie): string | undefined {
  return path === null || path.length > COOKIE_LIMITS.pathLength ? undefined : path;
}

/** RFC 6265 §5.3, step 3. The library's own would count `Max-Age` from the last use. */
function expiryOf({ maxAge, expires }: Cookie, now: number): number {
  if (maxAge === "Infinity") return Infinity;
  if (maxAge === "-Infinity") return -Infinity;
  if (maxAge !== null) return maxAge <= 0 ? -Infinity : now + maxAge * 1000;
  return expires instanceof Date ? expires.getTime() : Infinity;
}
