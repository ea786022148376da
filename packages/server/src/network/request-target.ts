import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { decodeRepeatedly } from "./repeated-decoding.js";

const PROXY_PREFIX = "/proxy/";

const NUL = 0x00;
const HASH = 0x23;
const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const QUESTION_MARK = 0x3f;
const BACKSLASH = 0x5c;

export interface ProxyTarget {
  /** As written; whether it is the name of a service is for the caller to find out. Not empty. */
  readonly service: string;
  /** All behind the service's name, byte for byte: "" or beginning with "/". */
  readonly path: string;
  /** Byte for byte without its "?"; `undefined` if there is none, "" for a bare "?". */
  readonly query: string | undefined;
}

/**
 * Takes apart the raw target of a proxied call, in origin-form or absolute-form (RFC 9112 §3.2). The scheme and
 * authority of an absolute-form are dropped: they never pick the upstream.
 *
 * @returns `undefined` if it is no target under `/proxy/{service}`
 */
export function splitProxyTarget(target: string): ProxyTarget | undefined {
  const start = originFormStart(target);
  if (start === -1 || !target.startsWith(PROXY_PREFIX, start)) return undefined;
  const nameStart = start + PROXY_PREFIX.length;
  const queryMark = target.indexOf("?", nameStart);
  const pathEnd = queryMark === -1 ? target.length : queryMark;
  const slash = target.indexOf("/", nameStart);
  const nameEnd = slash === -1 || slash > pathEnd ? pathEnd : slash;
  if (nameEnd === nameStart) return undefined;
  return {
    service: target.slice(nameStart, nameEnd),
    path: target.slice(nameEnd, pathEnd),
    query: queryMark === -1 ? undefined : target.slice(queryMark + 1),
  };
}

function originFormStart(target: string): number {
  if (target.startsWith("/")) return 0;
  const authority = /^https?:\/\/[^/?#]*(?=\/)/i.exec(target);
  return authority === null ? -1 : authority[0].length;
}

/**
 * Refuses a path that some upstream could take for one outside of the base path: one that, decoded until nothing
 * is left to decode ({@link decodeRepeatedly}) and with `\` read as `/`, holds a `.` or `..` segment (RFC 3986 §5.2.4). A segment counts
 * as one also with a path parameter behind it (`..;x`), with an encoded `?`, `#` or NUL behind it, and with TAB, CR,
 * LF or NUL anywhere in it. Bytes outside of \x21–\x7e and a raw `#` or `?` are refused as well. Time and memory are
 * linear.
 *
 * @throws VaultProxyError `invalid_request`
 */
export function assertSafePath(path: string): void {
  if (path === "") return;
  if (path.charCodeAt(0) !== SLASH) throw new VaultProxyError("invalid_request", "path: must begin with /");
  let mayHoldDots = false;
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index);
    if (code < 0x21 || code > 0x7e || code === HASH || code === QUESTION_MARK) {
      throw new VaultProxyError("invalid_request", "path: holds a character that must be percent-encoded");
    }
    if (code === DOT || code === PERCENT) mayHoldDots = true;
  }
  if (mayHoldDots && holdsDotSegment(decodeRepeatedly(path))) {
    throw new VaultProxyError("invalid_request", "path: must not hold a . or .. segment, in any encoding");
  }
}

/**
 * Refuses what cannot stand in a request line (RFC 9112 §3.2), and a raw `#`. Bytes above \x7e pass as they are.
 *
 * @throws VaultProxyError `invalid_request`
 */
export function assertSafeQuery(query: string): void {
  for (let index = 0; index < query.length; index += 1) {
    const code = query.charCodeAt(index);
    if (code < 0x21 || code === 0x7f || code > 0xff || code === HASH) {
      throw new VaultProxyError("invalid_request", "query: holds a character that must be percent-encoded");
    }
  }
}

function holdsDotSegment(decoded: Uint8Array): boolean {
  let dots = 0;
  // Something other than dots came in this segment, so that nothing behind it can make it a dot segment.
  let ordinary = false;
  for (const code of decoded) {
    const isDots = !ordinary && (dots === 1 || dots === 2);
    if (code === SLASH || code === BACKSLASH) {
      if (isDots) return true;
      dots = 0;
      ordinary = false;
    } else if (code === DOT) {
      dots += 1;
    } else if (code === SEMICOLON || code === QUESTION_MARK || code === HASH || code === NUL) {
      if (isDots) return true;
      // A NUL may end the segment or be dropped from it; the others end it.
      if (code !== NUL) ordinary = true;
    } else if (code !== 0x09 && code !== 0x0a && code !== 0x0d) {
      ordinary = true;
    }
  }
  return !ordinary && (dots === 1 || dots === 2);
}
