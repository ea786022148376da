import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { assertDestination } from "./address-policy.js";
import { assertSafePath } from "./request-target.js";

const MAX_LENGTH = 2048;
const PLACEHOLDER = "{token}";

export interface BaseUrl {
  readonly protocol: "https:" | "http:";
  /** Canonical (lower case, Punycode); an IPv6 address stands without brackets. */
  readonly hostname: string;
  /** The one connected to: 443 or 80 where none is written. */
  readonly port: number;
  /** As of `URL`: scheme, host in brackets if IPv6, port unless it is the scheme's own. */
  readonly origin: string;
  /** Byte for byte as written, without trailing slashes: "" or beginning with "/". */
  readonly basePath: string;
}

/**
 * Refuses an address to which the vault is to send a request of its own, a token endpoint for example: rules as for a
 * `base_url`, but a query is allowed.
 *
 * @throws VaultProxyError `invalid_request`, its message beginning with the name of the field
 */
export function assertEndpointUrl(text: string, field: string, allowInsecure: boolean): void {
  try {
    parseBaseUrl(text.split("?", 1)[0] ?? "", { allowInsecure });
    if (text.includes("#") || hasControlOrSpace(text)) throw refuse("must not hold a fragment or spaces");
    if (text.includes(PLACEHOLDER)) throw refuse(`must not hold ${PLACEHOLDER}`);
  } catch (error) {
    if (!(error instanceof VaultProxyError)) throw error;
    throw new VaultProxyError(
      "invalid_request",
      error.message.replace(/^base_url/, () => field),
    );
  }
}

/**
 * Reads a service's `base_url`. Only scheme, host and port are normalised; `{token}` in the path stays as it is.
 *
 * @param options.allowInsecure whether plain http and private addresses are allowed
 * @throws VaultProxyError `invalid_request`, its message beginning with `base_url: `
 */
export function parseBaseUrl(text: string, options: { readonly allowInsecure: boolean }): BaseUrl {
  if (text.length > MAX_LENGTH) throw refuse(`longer than ${MAX_LENGTH} characters`);
  // C0, space, DEL and C1: the URL parser would drop or trim some of these without a word.
  if (hasControlOrSpace(text)) throw refuse("must not hold spaces or control characters");
  if (text.includes("\\")) throw refuse("must not hold a backslash");
  const match = /^(https?):\/\/([^/?#]+)(\/[^?#]*)?/i.exec(text);
  if (match === null) throw refuse("must be an absolute https:// or http:// URL");
  const [whole, scheme = "", authority = "", path = ""] = match;
  if (authority.includes("@")) throw refuse("must not hold a user name or password");
  if (whole.length !== text.length) throw refuse("must not hold a query or fragment");
  if (authority.includes(PLACEHOLDER)) throw refuse(`${PLACEHOLDER} may stand in the path only`);

  if (!URL.canParse(`${scheme}://${authority}/`)) throw refuse("not a valid host or port");
  const url = new URL(`${scheme}://${authority}/`);
  if (url.port === "0") throw refuse("not a valid host or port");
  const protocol = url.protocol === "https:" ? "https:" : "http:";
  if (protocol === "http:" && !options.allowInsecure) {
    throw refuse("must be https; plain http needs allow_private");
  }
  const hostname = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
  asFieldError(() => assertDestination({ hostname, allowPrivate: options.allowInsecure }));
  asFieldError(() => assertSafePath(path));

  return {
    protocol,
    hostname,
    port: url.port === "" ? (protocol === "https:" ? 443 : 80) : Number(url.port),
    origin: url.origin,
    basePath: withoutTrailingSlashes(path),
  };
}

function refuse(reason: string, cause?: unknown): VaultProxyError {
  return new VaultProxyError("invalid_request", `base_url: ${reason}`, { cause });
}

function asFieldError(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof VaultProxyError) throw refuse(error.message, error);
    throw error;
  }
}

function hasControlOrSpace(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code <= 0x20 || (code >= 0x7f && code <= 0xa0)) return true;
  }
  return false;
}

function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === "/") end -= 1;
  return path.slice(0, end);
}
