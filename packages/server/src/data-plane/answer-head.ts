import { STATUS_CODES } from "node:http";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { filterResponseHeaders } from "../network/header-policy.js";
import { rewriteLocation, type LocationContext } from "../network/location.js";
import { scrubText } from "../scrubbing/scrub-text.js";
import type { SecretMatcher } from "../scrubbing/secret-matcher.js";

/** RFC 9112 §4: `reason-phrase`. */
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Fields whose value is a URL that the caller follows or keeps (RFC 9110 §8.7, §10.2.2). */
const URL_FIELDS: ReadonlySet<string> = new Set(["location", "content-location"]);

const NO_CONTENT = 204;

/** Stands in no field and no reason phrase: Node and undici refuse it. */
const LINE_END = "\n";

/** The head of an answer as the caller gets it, but for what the vault adds. */
export interface AnswerHead {
  readonly reason: string;
  /** Flat: name, value, name, value … Latin-1. */
  readonly headers: string[];
  /** Secrets overwritten. */
  readonly hits: number;
}

/** What the status line says (RFC 9112 §4). */
export interface AnswerStart {
  readonly status: number;
  readonly reason: string;
  readonly isHttp10: boolean;
}

/**
 * @param matcher searches the reason phrase and every field; undefined to search nothing
 * @throws VaultProxyError `upstream_failed` for a transfer coding other than `chunked`, and for any in HTTP/1.0: where
 *   the body ends cannot be told, or is in doubt (RFC 9112 §6.1, §6.3)
 */
export function readAnswerHead(
  { status, reason, isHttp10 }: AnswerStart,
  rawHeaders: readonly Buffer[],
  location: LocationContext,
  matcher: SecretMatcher | undefined,
): AnswerHead {
  const codings = transferCodings(rawHeaders);
  if (codings.some((coding) => coding !== "chunked")) {
    throw new VaultProxyError("upstream_failed", "the upstream's answer has an unknown transfer coding");
  }
  if (isHttp10 && codings.length > 0) {
    throw new VaultProxyError("upstream_failed", "the upstream's answer of HTTP/1.0 has a transfer coding");
  }
  const passed = filterResponseHeaders(rawHeaders);
  const headers = mayHaveLength(status) ? passed : withoutLength(passed);
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? "";
    if ((name.length === 8 || name.length === 16) && URL_FIELDS.has(name.toLowerCase())) {
      headers[index + 1] = rewriteLocation(headers[index + 1] ?? "", location);
    }
  }
  return scrubHead(REASON_PHRASE.test(reason) ? reason : "", headers, matcher);
}

/** Trailer fields (RFC 9110 §6.5) that the caller gets, flat; what must not stand there is dropped (§6.5.1). */
export function readTrailers(rawTrailers: readonly Buffer[], matcher: SecretMatcher | undefined): AnswerHead {
  const fields = filterResponseHeaders(rawTrailers);
  const kept: string[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] ?? "";
    if (!NOT_IN_TRAILERS.has(name.toLowerCase())) kept.push(name, fields[index + 1] ?? "");
  }
  return scrubHead("", kept, matcher);
}

/** Framing, routing, modifiers, authentication and content fields (RFC 9110 §6.5.1). */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "cache-control",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "date",
  "expires",
  "host",
  "location",
  "retry-after",
  "vary",
  "www-authenticate",
]);

/** An interim answer as bytes for the wire (RFC 9110 §15.2). */
export function encodeInterim(status: number, headers: readonly string[]): Buffer {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    head += `${headers[index] ?? ""}: ${headers[index + 1] ?? ""}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, "latin1");
}

function scrubHead(reason: string, headers: string[], matcher: SecretMatcher | undefined): AnswerHead {
  if (matcher === undefined) return { reason, headers, hits: 0 };
  // All in one: one search costs less than twenty. A secret with a colon in it makes a name and a value of itself.
  const parts = [reason, ...headers];
  const { text, hits } = scrubText(
    matcher,
    parts.reduce((line, part, index) => `${line}${index % 2 === 0 ? ":" : LINE_END}${part}`),
  );
  if (hits === 0) return { reason, headers, hits };
  let at = 0;
  const [scrubbedReason = "", ...scrubbed] = parts.map((part) => {
    const from = at;
    at += part.length + 1;
    return text.slice(from, from + part.length);
  });
  return { reason: scrubbedReason, headers: scrubbed, hits };
}

/** RFC 9110 §8.6: none in an interim answer, nor in one that has no content. */
function mayHaveLength(status: number): boolean {
  return status >= 200 && status !== NO_CONTENT;
}

function withoutLength(headers: readonly string[]): string[] {
  return headers.filter((_, index) => headers[index - (index % 2)]?.toLowerCase() !== "content-length");
}

/** The values of all `Transfer-Encoding` fields, in lower case. */
function transferCodings(rawHeaders: readonly Buffer[]): string[] {
  const codings: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length !== "transfer-encoding".length) continue;
    if (name.toString("latin1").toLowerCase() !== "transfer-encoding") continue;
    codings.push(rawHeaders[index + 1]?.toString("latin1").trim().toLowerCase() ?? "");
  }
  return codings;
}
