import type { Address } from "./address.js";
import { invalidRequest } from "./errors.js";

/**
 * The request target (RFC 9112 §3.2.1) of a proxied call. `path` is kept byte for byte, query and all; only a missing
 * first slash is added, and an empty path stays empty.
 */
export function proxyTarget(service: string, path: string): string {
  const rooted = path === "" || path.startsWith("/") || path.startsWith("?") ? path : `/${path}`;
  return `/proxy/${pathSegment(service)}${rooted}`;
}

/** One name as one path segment. `.` and `..` cannot be one: every URL parser would resolve them away. */
export function pathSegment(name: string): string {
  if (name === "" || name === "." || name === "..") throw invalidRequest(`"${name}" cannot be a name`);
  if (!name.isWellFormed()) throw invalidRequest("a name holds half of a character (a lone surrogate)");
  return encodeURIComponent(name);
}

/** Refuses what HTTP/1.1 cannot carry, since everything else would have to be changed to be sent. */
export function assertTarget(target: string): void {
  if (!target.startsWith("/")) throw invalidRequest('the path must begin with "/"');
  if (!target.isWellFormed()) throw invalidRequest("the path holds half of a character (a lone surrogate)");
  const bad = /[^\x21-\x7e]|#/u.exec(target)?.[0];
  if (bad !== undefined) {
    const encoded = bad === "#" ? "%23" : percentEncoded(bad);
    throw invalidRequest(`the path holds a character that cannot be sent as it is: write it as ${encoded}`);
  }
}

/** Whether a WHATWG URL parser, which every `fetch` runs first, leaves the target as it is. */
export function survivesUrlParser(origin: string, target: string): boolean {
  const url = new URL(origin + target);
  return url.pathname + url.search === target;
}

function percentEncoded(character: string): string {
  return Array.from(new TextEncoder().encode(character), (byte) => {
    return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

/** What of a URL follows the vault's address. @throws VaultError `invalid_request` unless it lies below that */
export function targetBelow(address: Address, url: string): string {
  const origin = address.kind === "unix" ? "http://localhost" : address.label;
  const below = url.startsWith(origin) ? url.slice(origin.length) : undefined;
  if (below === undefined || (below !== "" && !/^[/?#]/.test(below))) {
    throw invalidRequest("the request's URL does not lie below the vault's address");
  }
  return below.replace(/#.*$/, "");
}
