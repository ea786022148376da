import { createHash } from "node:crypto";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { decodeChunks } from "./chunked-coding.js";
import type { Fields } from "./raw-answer.js";

/** A request as it came over the wire. Text is Latin-1. */
export interface RecordedRequest {
  readonly method: string;
  readonly target: string;
  readonly fields: Fields;
  readonly head: string;
  readonly body: Buffer;
}

/** An upstream that reads by RFC 9112 and nothing more lenient, and answers each whole request as it is told. */
export interface RecordingUpstream {
  readonly origin: string;
  /** Whole requests since the last {@link RecordingUpstream.reset}. */
  readonly requests: RecordedRequest[];
  /** What was no request. */
  readonly violations: string[];
  /** What came behind a WebSocket handshake. */
  readonly switched: () => Buffer;
  reset(answer?: UpstreamAnswer): void;
  close(): Promise<void>;
}

export interface UpstreamAnswer {
  readonly pieces: readonly Buffer[];
  /** Closes the connection behind it. */
  readonly closes: boolean;
}

const OK: UpstreamAnswer = {
  pieces: [Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")],
  closes: false,
};
const WEB_SOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export async function startRecordingUpstream(): Promise<RecordingUpstream> {
  const requests: RecordedRequest[] = [];
  const violations: string[] = [];
  let switched: Buffer[] = [];
  let answer = OK;
  const sockets = new Set<Socket>();

  const serve = (socket: Socket): void => {
    let bytes = Buffer.alloc(0);
    let hasSwitched = false;
    socket.on("data", (chunk) => {
      if (hasSwitched) {
        switched.push(chunk);
        return;
      }
      bytes = Buffer.concat([bytes, chunk]);
      try {
        for (;;) {
          const found = readRequest(bytes);
          if (found === undefined) return;
          bytes = bytes.subarray(found.length);
          requests.push(found.request);
          const key = valueOf(found.request.fields, "sec-websocket-key");
          if (valueOf(found.request.fields, "upgrade")?.toLowerCase() === "websocket" && key !== undefined) {
            hasSwitched = true;
            socket.write(switchProtocols(key));
            if (bytes.length > 0) switched.push(bytes);
          }
          void write(socket, answer);
          if (hasSwitched) return;
        }
      } catch (error) {
        violations.push(`${String(error)}: ${JSON.stringify(bytes.toString("latin1").slice(0, 2000))}`);
        socket.destroy();
      }
    });
  };

  const server = createServer((socket) => {
    sockets.add(socket.setNoDelay(true));
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    violations,
    switched: () => Buffer.concat(switched),
    reset(next = OK) {
      requests.length = 0;
      switched = [];
      answer = next;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function write(socket: Socket, { pieces, closes }: UpstreamAnswer): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (closes) socket.end();
}

function switchProtocols(key: string): string {
  const accept = createHash("sha1")
    .update(key + WEB_SOCKET_GUID)
    .digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\/[\x21-\x7e\x80-\xff]*) HTTP\/1\.1$/;
const FIELD_LINE =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)$/;

/** @returns undefined while it is not whole */
function readRequest(bytes: Buffer): { request: RecordedRequest; length: number } | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = bytes.toString("latin1", 0, end);
  const [requestLine = "", ...lines] = head.split("\r\n");
  const [, method, target] = REQUEST_LINE.exec(requestLine) ?? [];
  if (method === undefined || target === undefined) throw new Error("no request line");
  const fields = lines.map((line) => {
    const [, name, value] = FIELD_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`no field: ${JSON.stringify(line)}`);
    return [name, value] as const;
  });
  const count = (name: string): number => fields.filter(([given]) => given.toLowerCase() === name).length;
  if (count("host") !== 1) throw new Error("not one Host");
  if (count("content-length") + count("transfer-encoding") > 1) throw new Error("more than one framing");
  const request = { method, target, fields, head };
  const start = end + 4;
  const coding = valueOf(fields, "transfer-encoding");
  if (coding !== undefined) {
    if (coding !== "chunked") throw new Error(`transfer coding ${coding}`);
    const decoded = decodeChunks(bytes.subarray(start));
    if (decoded === "incomplete") return undefined;
    if (decoded === "malformed") throw new Error("no chunks");
    return { request: { ...request, body: decoded.body }, length: start + decoded.length };
  }
  const length = valueOf(fields, "content-length") ?? "0";
  if (!/^\d+$/.test(length)) throw new Error(`Content-Length ${length}`);
  const to = start + Number(length);
  if (bytes.length < to) return undefined;
  return { request: { ...request, body: bytes.subarray(start, to) }, length: to };
}

export function valueOf(fields: Fields, wanted: string): string | undefined {
  return fields.find(([name]) => name.toLowerCase() === wanted)?.[1];
}
