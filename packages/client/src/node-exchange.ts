import type { ClientRequest, IncomingMessage } from "node:http";

import { readAnswerText } from "./answer-text.js";
import type { Answer, Exchange, WireRequest } from "./exchange.js";
import { responseOf, type AnsweredRequest } from "./node-response.js";

/** Milliseconds; below the 5 s after which a Node server closes an idle connection, so that none is used too late. */
const IDLE_CONNECTION_MS = 4_000;

/** Bytes; the vault hands on whatever headers an API sends. */
const MAX_HEADER_BYTES = 64 * 1024;

/** Framing and connection are this module's own; a caller's word on them could only break the message. */
const OWN_HEADERS = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Whether Node's modules are there: in Node, Bun and Deno, and not in Cloudflare's workers, which have a `process`. */
export function hasNodeModules(): boolean {
  return typeof process !== "undefined" && "getBuiltinModule" in process && !("WebSocketPair" in globalThis);
}

/** Whether this is Node itself: Bun and Deno have `node:http` too, but one of their own. */
export function isNode(): boolean {
  if (!hasNodeModules()) return false;
  const versions: Readonly<Record<string, string | undefined>> = process.versions;
  return versions.node !== undefined && versions.bun === undefined && versions.deno === undefined;
}

/**
 * Sends by `node:http`. Against Node's `fetch` it
 * - sends the path byte for byte, where fetch resolves dot segments and re-encodes;
 * - tells a chunked body that was cut off from a complete one, which undici 6 before May 2026 (nodejs/undici#5273),
 *   the fetch of Node 20 and 22, does not: an agent would take half an answer for a whole one;
 * - has no limit of 300 s on the silence of a stream, hands on an encoded body as it is, and knows unix sockets;
 * - costs a command-line start 5 ms instead of 60.
 */
export function createNodeExchange(origin: string, socketPath: string | undefined): Exchange {
  const url = new URL(origin);
  // Not an import, so that a bundler for another runtime never meets it.
  const library = process.getBuiltinModule(url.protocol === "https:" ? "node:https" : "node:http");
  // On a connection that is used again, Deno (2.9) sends a request once more when it breaks, a POST too.
  const agent = new library.Agent({ keepAlive: isNode(), timeout: IDLE_CONNECTION_MS });
  const destination = {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    ...(url.port === "" ? {} : { port: url.port }),
    ...(socketPath === undefined ? {} : { socketPath }),
  };
  return {
    send: (wire) =>
      new Promise<Answer>((resolve, reject) => {
        const outgoing = library.request({
          ...destination,
          agent,
          method: wire.method,
          path: wire.target,
          signal: wire.signal,
          maxHeaderSize: MAX_HEADER_BYTES,
        });
        outgoing.once("response", (incoming) => {
          // An answer that came whole before all of the body was sent, such as a refusal: Node would wait on, and keep
          // the process, until the other end gives up too.
          incoming.once("end", () => {
            if (!outgoing.writableFinished) outgoing.destroy();
          });
          resolve(answerOf(incoming, { ...wire, url: origin + wire.target }));
        });
        // Stays after the answer began: by then the answer's own body tells what went wrong.
        outgoing.on("error", (error) => reject(wire.signal.aborted ? reasonOf(wire.signal) : error));
        writeHeaders(outgoing, wire.headers);
        writeBody(outgoing, wire.body, reject);
      }),
    close: () => {
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
    },
  };
}

function writeHeaders(outgoing: ClientRequest, headers: WireRequest["headers"]): void {
  outgoing.setHeader("accept", "*/*");
  outgoing.setHeader("user-agent", "vault-proxy-client");
  const seen = new Set<string>();
  for (const [name, value] of headers) {
    if (OWN_HEADERS.has(name.toLowerCase())) continue;
    if (seen.has(name.toLowerCase())) outgoing.appendHeader(name, value);
    else outgoing.setHeader(name, value);
    seen.add(name.toLowerCase());
  }
}

function writeBody(
  outgoing: ClientRequest,
  body: WireRequest["body"],
  onFailure: (reason: unknown) => void,
): void {
  if (body === undefined) {
    outgoing.end();
  } else if (typeof body === "string" || body instanceof Uint8Array) {
    outgoing.setHeader("content-length", Buffer.byteLength(body));
    outgoing.end(body);
  } else {
    if (body instanceof Blob) outgoing.setHeader("content-length", body.size);
    else outgoing.setHeader("transfer-encoding", "chunked");
    const { Readable, pipeline } = process.getBuiltinModule("node:stream");
    const source = Readable.fromWeb(body instanceof Blob ? body.stream() : body);
    // A failure of either side ends the other, and shows as the error of `outgoing`; of Deno's as nothing.
    pipeline(source, outgoing, (error) => {
      if (error instanceof Error && !isNode()) onFailure(error);
    });
  }
}

function answerOf(incoming: IncomingMessage, request: AnsweredRequest): Answer {
  return {
    status: incoming.statusCode ?? 0,
    header: (name) => {
      const value = incoming.headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    },
    // Leaving the loop destroys the stream, so that nothing more of a too long answer is read.
    text: (maxBytes) => readAnswerText(incoming, maxBytes),
    response: () => responseOf(incoming, request),
  };
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error("aborted", { cause: signal.reason });
}
