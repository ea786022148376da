import { STATUS_CODES } from "node:http";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { filterResponseHeaders } from "../network/header-policy.js";
import { rewriteLocation, type LocationContext } from "../network/location.js";
import { scrubText } from "../scrubbing/scrub-text.js";
import type { SecretMatcher } from "../scrubbing/secret-matcher.js";

/** RFC 9112 §4: `reason-phrase`. */
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

const HTTP_DATE = "[A-Z][a-z]{2,8},? \\d\\d[ -][A-Z][a-z]{2}[ -]\\d{2,4} \\d\\d:\\d\\d:\\d\\d GMT";

/**
 * Framing, dates and numbers, each with what it looks like (RFC 9110 and 9111). What looks otherwise is no such field,
 * and is searched as any other.
 */
const FIXED_FIELDS: ReadonlyMap<string, RegExp> = new Map(
  Object.entries({
    "accept-ranges": "bytes|none",
    age: "\\d{1,12}",
    connection: "close|keep-alive",
    "content-encoding": "(?:(?:gzip|x-gzip|deflate|br|zstd|compress|identity)(?:, ?)?){1,4}",
    "content-length": "\\d{1,16}",
    "content-range": "bytes (?:\\d{1,16}-\\d{1,16}|\\*)/(?:\\d{1,16}|\\*)",
    date: HTTP_DATE,
    expires: `${HTTP_DATE}|0|-1`,
    "last-modified": HTTP_DATE,
    "retry-after": `${HTTP_DATE}|\\d{1,10}`,
    "transfer-encoding": "chunked",
  }).map(([name, syntax]) => [name, new RegExp(`^(?:${syntax})$`, "i")]),
);

/** Fields whose value may be overwritten; nobody would know the field by another name. */
const FIXED_NAMES: ReadonlySet<string> = new Set([...FIXED_FIELDS.keys(), "content-type"]);

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
  /** The same as they came, secrets and all: to decide by, never to be passed on. */
  readonly unscrubbed: readonly string[];
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

/** Flat fields, as `addTrailers` of Node wants them. */
export function fieldPairs(flat: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) {
    list.push([flat[index] ?? "", flat[index + 1] ?? ""]);
  }
  return list;
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
  if (matcher === undefined) return { reason, headers, unscrubbed: headers, hits: 0 };
  // All in one: one search costs less than twenty. A secret with a colon in it makes a name and a value of itself.
  let line = reason;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? "";
    const value = headers[index + 1] ?? "";
    if (!isFixedField(name, value)) line += `${LINE_END}${isFixedName(name) ? "" : name}:${value}`;
  }
  const { text, hits } = scrubText(matcher, line);
  if (hits === 0) return { reason, headers, unscrubbed: headers, hits };
  const scrubbed = [...headers];
  let at = reason.length;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? "";
    const value = headers[index + 1] ?? "";
    if (isFixedField(name, value)) continue;
    const nameLength = isFixedName(name) ? 0 : name.length;
    const valueAt = at + LINE_END.length + nameLength + 1;
    if (nameLength > 0) scrubbed[index] = text.slice(at + LINE_END.length, valueAt - 1);
    at = valueAt + value.length;
    scrubbed[index + 1] = text.slice(valueAt, at);
  }
  return { reason: text.slice(0, reason.length), headers: scrubbed, unscrubbed: headers, hits };
}

/** What would be another message, or none, with a `*` in it. */
function isFixedField(name: string, value: string): boolean {
  return FIXED_FIELDS.get(name.toLowerCase())?.test(value) === true;
}

function isFixedName(name: string): boolean {
  return FIXED_NAMES.has(name.toLowerCase());
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
