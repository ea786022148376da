/**
 * Loaded into the server of a test (`--import`): writes a line to the file RECORDED_ANSWERS for every answer that the vault
 * itself makes, whoever asked. What a service answers goes by unseen.
 */
import { appendFileSync } from "node:fs";
import { ServerResponse } from "node:http";

const path = process.env.RECORDED_ANSWERS;
/** Of a longer body only the head of the answer is checked. */
const LONGEST = 256 * 1024;
const TEXT = /^(?:application\/(?:json|x-ndjson)|text\/)/;

/** @typedef {{ status?: number, headers: Map<string, string>, chunks: Buffer[], size: number }} Seen */

/** @type {WeakMap<ServerResponse, Seen>} */
const seen = new WeakMap();

/** @param {ServerResponse} response */
function seenOf(response) {
  const known = seen.get(response);
  if (known !== undefined) return known;
  /** @type {Seen} */
  const fresh = { headers: new Map(), chunks: [], size: 0 };
  seen.set(response, fresh);
  return fresh;
}

/**
 * @param {ServerResponse} response
 * @param {unknown[]} given
 */
function noteHead(response, given) {
  const found = seenOf(response);
  found.status = Number(given[0]);
  const headers = given.find((argument) => typeof argument === "object" && argument !== null);
  const pairs = Array.isArray(headers)
    ? Array.isArray(headers[0])
      ? headers
      : Array.from({ length: headers.length / 2 }, (_, at) => [headers[2 * at], headers[2 * at + 1]])
    : Object.entries(headers ?? {});
  for (const [name, value] of pairs) found.headers.set(String(name).toLowerCase(), String(value));
}

/**
 * @param {ServerResponse} response
 * @param {string} name
 */
function headerOf(response, name) {
  return seenOf(response).headers.get(name) ?? response.getHeader(name)?.toString();
}

/**
 * Path and query, of an absolute-form target too (RFC 9112 §3.2.2).
 *
 * @param {ServerResponse} response
 */
function targetOf({ req }) {
  return (req.url ?? "").replace(/^https?:\/\/[^/]*/i, "");
}

/** @param {ServerResponse} response */
function isOwn(response) {
  return !targetOf(response).startsWith("/proxy/") || headerOf(response, "x-vault-error") !== undefined;
}

/**
 * @param {ServerResponse} response
 * @param {unknown} chunk
 */
function noteChunk(response, chunk) {
  const isBytes = chunk instanceof Uint8Array;
  if ((!isBytes && typeof chunk !== "string") || !isOwn(response)) return;
  const found = seenOf(response);
  found.size += chunk.length;
  if (found.size <= LONGEST) found.chunks.push(Buffer.from(chunk));
}

/** @param {ServerResponse} response */
function write(response) {
  if (path === undefined || !isOwn(response)) return;
  const found = seenOf(response);
  const contentType = headerOf(response, "content-type");
  const isWhole = found.size <= LONGEST && (contentType === undefined || TEXT.test(contentType));
  const answer = {
    method: response.req.method,
    target: targetOf(response),
    status: found.status ?? response.statusCode,
    contentType,
    body: isWhole ? Buffer.concat(found.chunks).toString() : undefined,
  };
  appendFileSync(path, `${JSON.stringify(answer)}\n`, { mode: 0o600 });
}

const prototype = ServerResponse.prototype;
const { writeHead, write: writeChunk, end } = prototype;
Object.assign(prototype, {
  /** @this {ServerResponse} @param {unknown[]} given */
  writeHead(...given) {
    noteHead(this, given);
    return Reflect.apply(writeHead, this, given);
  },
  /** @this {ServerResponse} @param {unknown[]} given */
  write(...given) {
    noteChunk(this, given[0]);
    return Reflect.apply(writeChunk, this, given);
  },
  /** @this {ServerResponse} @param {unknown[]} given */
  end(...given) {
    noteChunk(this, given[0]);
    write(this);
    return Reflect.apply(end, this, given);
  },
});
