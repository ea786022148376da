/**
 * Loaded into the server of a test (`--import`): writes a line to RECORDED_ANSWERS, a file's path or the number of an open
 * one, for every answer that the vault itself makes, whoever asked, and one before them to say that it is there. What a
 * service answers goes by unseen. In programs that are no vault-server (NODE_OPTIONS is passed on) it does nothing.
 */
import { subscribe } from "node:diagnostics_channel";
import { appendFileSync } from "node:fs";
import { Server as HttpServer, ServerResponse } from "node:http";
import { Server as HttpsServer } from "node:https";
import { Socket } from "node:net";

const PROGRAM = /(?:\/vault-server|\/server\/(?:dist|lib)\/[\w-]+\.js)$/;
const { RECORDED_ANSWERS } = process.env;
const file =
  RECORDED_ANSWERS === undefined || !PROGRAM.test(process.argv[1] ?? "")
    ? undefined
    : /^\d+$/.test(RECORDED_ANSWERS)
      ? Number(RECORDED_ANSWERS)
      : RECORDED_ANSWERS;
/** Of a longer body only the head of the answer is checked. */
const LONGEST = 256 * 1024;
const TEXT = /^(?:application\/(?:json|x-ndjson)|text\/)/;

/** @typedef {{ status?: number, headers: Map<string, string>, chunks?: Buffer[] | undefined, size: number }} Seen */

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
 * @param {{ req: { url?: string | undefined } }} response
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
  // Of what a service answers not a byte is kept: it may be much, and many at once.
  if ((!isBytes && typeof chunk !== "string") || !isOwn(response)) return;
  const found = seenOf(response);
  found.size += chunk.length;
  if (found.size > LONGEST) found.chunks = undefined;
  found.chunks?.push(Buffer.from(chunk));
}

/** @param {object} line */
function writeLine(line) {
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
}

/** @type {WeakSet<object>} */
const written = new WeakSet();

/** @param {ServerResponse} response */
function write(response) {
  if (!isOwn(response)) return;
  written.add(response);
  const found = seenOf(response);
  const contentType = headerOf(response, "content-type");
  const isText = contentType === undefined || TEXT.test(contentType);
  const answer = {
    method: response.req.method,
    target: targetOf(response),
    status: found.status ?? response.statusCode,
    contentType,
    body: isText && found.chunks !== undefined ? Buffer.concat(found.chunks).toString() : undefined,
  };
  writeLine(answer);
}

/**
 * Who asked, where a connection was handed over, and the answer is written on the socket.
 *
 * @type {WeakMap<Socket, import("node:http").IncomingMessage>}
 */
const handedOver = new WeakMap();

/**
 * Of what the vault writes on sockets past any response: what could not be parsed, and what asked for another protocol.
 *
 * @param {Socket} socket
 * @param {unknown} chunk
 */
function noteOnSocket(socket, chunk) {
  if (typeof chunk !== "string" || !chunk.startsWith("HTTP/1.1 ")) return;
  const req = handedOver.get(socket);
  const end = chunk.indexOf("\r\n\r\n");
  const [line = "", ...fields] = chunk.slice(0, end).split("\r\n");
  const headers = new Map(
    fields.map((field) => {
      const colon = field.indexOf(":");
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    }),
  );
  const target = targetOf({ req: { url: req?.url } });
  const isOwnAnswer = target.startsWith("/proxy/") ? headers.has("x-vault-error") : true;
  if (!isOwnAnswer || !headers.has("x-vault-request-id")) return;
  const [, status] = line.split(" ");
  writeLine({
    ...{ method: req?.method ?? "", target, status: Number(status) },
    contentType: headers.get("content-type"),
    body: chunk.slice(end + 4),
  });
}

writeLine({ recording: true });
// Not by way of what is replaced below: if that no longer sees an answer, its record says so.
subscribe("http.server.response.finish", (message) => {
  const { response } = /** @type {{ response: ServerResponse }} */ (message);
  if (isOwn(response) && !written.has(response)) writeLine({ unseen: targetOf(response) });
});

for (const { prototype: server } of [HttpServer, HttpsServer]) {
  const { emit } = server;
  Object.assign(server, {
    /** @this {HttpServer} @param {unknown[]} given */
    emit(...given) {
      const [event, request, socket] = given;
      if ((event === "upgrade" || event === "connect") && socket instanceof Socket)
        handedOver.set(socket, /** @type {import("node:http").IncomingMessage} */ (request));
      return Reflect.apply(emit, this, given);
    },
  });
}

const { write: writeOnSocket, end: endSocket } = Socket.prototype;
Object.assign(Socket.prototype, {
  /** @this {Socket} @param {unknown[]} given */
  write(...given) {
    if (handedOver.has(this)) noteOnSocket(this, given[0]);
    return Reflect.apply(writeOnSocket, this, given);
  },
  /** @this {Socket} @param {unknown[]} given */
  end(...given) {
    noteOnSocket(this, given[0]);
    return Reflect.apply(endSocket, this, given);
  },
});

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
