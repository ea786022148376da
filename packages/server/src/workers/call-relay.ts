import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { encodeInterim } from "../data-plane/answer-head.js";
import { answerError } from "../data-plane/own-answer.js";
import { bodyFraming, discardRest } from "../data-plane/request-body.js";
import { toVaultProxyError, VaultProxyError } from "../errors/vault-proxy-error.js";
import { encodePreamble, type RelayedPeer } from "./relay-preamble.js";

/** Of one connection (RFC 9110 §7.6.1), or made anew; what a caller expects was answered when its request came. */
const NOT_RELAYED: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "expect",
]);

export interface RelayedCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: string;
  readonly requestId: string;
}

export interface RelayedUpgrade {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
  readonly target: string;
}

/** Passes requests on to the owner, which serves them as if their senders had connected to it. */
export interface CallRelay {
  call(call: RelayedCall): void;
  upgrade(upgrade: RelayedUpgrade): void;
}

/** @param path the owner's socket; `key` shows that a worker connects */
export function createCallRelay(path: string, key: Buffer): CallRelay {
  const open = (socket: Socket): Socket => {
    const line = connect({ path, allowHalfOpen: true });
    line.write(encodePreamble(key, peerOf(socket)));
    return line;
  };
  return {
    call(call) {
      try {
        relayCall(call, open);
      } catch (thrown) {
        const { request, response, requestId } = call;
        answerError(request, response, toVaultProxyError(thrown), { requestId });
      }
    },
    upgrade({ request, socket, head, target }) {
      let start: Buffer;
      try {
        start = headOf(request, target);
      } catch {
        socket.destroy();
        return;
      }
      const line = open(socket);
      line.write(start);
      line.write(head);
      const end = (): void => {
        line.destroy();
        socket.destroy();
      };
      for (const each of [line, socket]) each.on("error", end).on("close", end);
      line.pipe(socket);
      socket.pipe(line);
    },
  };
}

function relayCall({ request, response, target }: RelayedCall, open: (socket: Socket) => Socket): void {
  const { hasBody, contentLength } = bodyFraming(request);
  const headers = relayed(request.rawHeaders);
  if (hasBody && contentLength === undefined) headers.push("Transfer-Encoding", "chunked");
  // Node would make a chunked body of none.
  else if (!hasBody && contentLength === undefined && request.method !== "GET" && request.method !== "HEAD")
    headers.push("Content-Length", "0");
  const { socket } = request;
  const outgoing = httpRequest({
    createConnection: () => open(socket),
    method: request.method ?? "GET",
    path: target,
    headers,
  });
  const abort = (): void => {
    outgoing.destroy();
    if (!response.writableFinished) socket.destroy();
  };
  outgoing.on("information", ({ statusCode, rawHeaders }) => {
    response.socket?.write(encodeInterim(statusCode, rawHeaders));
  });
  outgoing.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 0, answer.statusMessage ?? "", relayed(answer.rawHeaders));
    // The head of a stream is worth as much as its first event.
    response.flushHeaders();
    answer.on("end", () => {
      if (answer.rawTrailers.length > 0) response.addTrailers(pairs(answer.rawTrailers));
      response.end();
      request.unpipe(outgoing);
      discardRest(request);
    });
    answer.on("error", abort).on("aborted", abort);
    answer.on("data", (chunk: Buffer) => {
      if (!response.write(chunk)) answer.pause();
    });
    response.on("drain", () => answer.resume());
  });
  outgoing.on("error", abort);
  response.on("close", () => outgoing.destroy());
  request.on("aborted", abort);
  if (hasBody) request.pipe(outgoing);
  else outgoing.end();
}

function relayed(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (!NOT_RELAYED.has(name.toLowerCase())) kept.push(name, rawHeaders[index + 1] ?? "");
  }
  return kept;
}

function pairs(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, flat[index + 1] ?? ""]] : [],
  );
}

/** As it came: what it asks for is for the owner to see. */
function headOf({ method = "GET", httpVersion, rawHeaders }: IncomingMessage, target: string): Buffer {
  let head = `${method} ${target} HTTP/${httpVersion}\r\n`;
  for (const [name, value] of pairs(rawHeaders)) {
    // Node's parser lets none through; behind one the owner would read another request.
    if (/[\r\n]/.test(value)) throw new VaultProxyError("invalid_request", "a header holds a line end");
    head += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, "latin1");
}

function peerOf(socket: Socket): RelayedPeer {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return { remoteAddress, remotePort, localAddress, localPort, encrypted: "encrypted" in socket };
}
