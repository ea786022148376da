import type { Socket } from "node:net";
import { connectTo } from "../live/raw-sockets.js";

export type Fields = readonly (readonly [name: string, value: string])[];

/** An HTTP/1.1 answer as it came over the wire; text is Latin-1. */
export interface RawAnswer {
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  readonly interim: readonly { readonly status: number; readonly fields: Fields }[];
  readonly body: Buffer;
  readonly trailers: Fields;
  readonly framing: "none" | "length" | "chunked" | "close";
  /** False if the connection ended before the answer did, or nothing more came. */
  readonly isComplete: boolean;
  /** Everything that was received, interim answers and framing included. */
  readonly bytes: Buffer;
  /** Bytes behind the answer. */
  readonly rest: Buffer;
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) ([\t\x20-\x7e\x80-\xff]*)$/;
const FIELD_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]*)?)$/;

/**
 * Reads one answer by RFC 9112 and nothing more lenient.
 * @param isOver whether the connection has ended
 * @returns undefined while its head is not there
 * @throws {Error} for what is not well-formed
 */
export function parseAnswer(bytes: Buffer, method: string, isOver: boolean): RawAnswer | undefined {
  const interim: RawAnswer["interim"][number][] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n", at);
    if (end < 0) {
      if (isOver && bytes.length > at) throw new Error(`a head that does not end: ${excerpt(bytes, at)}`);
      return undefined;
    }
    const [statusLine = "", ...lines] = bytes.toString("latin1", at, end).split("\r\n");
    const [, code, reason = ""] = STATUS_LINE.exec(statusLine) ?? [];
    if (code === undefined) throw new Error(`no status line: ${JSON.stringify(statusLine)}`);
    const status = Number(code);
    const fields = lines.map(parseField);
    at = end + 4;
    if (status < 200 && status !== 101) interim.push({ status, fields });
    else
      return {
        status,
        reason,
        fields,
        interim,
        bytes,
        ...parseBody(bytes, at, method, status, fields, isOver),
      };
  }
}

type Body = Pick<RawAnswer, "body" | "trailers" | "framing" | "isComplete" | "rest">;

function parseBody(
  bytes: Buffer,
  from: number,
  method: string,
  status: number,
  fields: Fields,
  isOver: boolean,
): Body {
  const none = { trailers: [], rest: Buffer.alloc(0) };
  const codings = valuesOf(fields, "transfer-encoding");
  const lengths = valuesOf(fields, "content-length");
  if (codings.length > 1 || lengths.length > 1 || codings.length + lengths.length > 1) {
    throw new Error("more than one framing");
  }
  if (method === "HEAD" || status === 101 || status === 204 || status === 304) {
    return { ...none, body: Buffer.alloc(0), framing: "none", isComplete: true, rest: bytes.subarray(from) };
  }
  if (codings.length === 1) {
    if (codings[0] !== "chunked") throw new Error(`transfer coding ${codings[0] ?? ""}`);
    return parseChunks(bytes, from);
  }
  if (lengths.length === 1) {
    if (!/^\d+$/.test(lengths[0] ?? "")) throw new Error(`Content-Length: ${lengths[0] ?? ""}`);
    const to = from + Number(lengths[0]);
    return {
      ...none,
      body: bytes.subarray(from, to),
      framing: "length",
      isComplete: bytes.length >= to,
      rest: bytes.subarray(to),
    };
  }
  return { ...none, body: bytes.subarray(from), framing: "close", isComplete: isOver };
}

function parseChunks(bytes: Buffer, from: number): Body {
  const pieces: Buffer[] = [];
  let at = from;
  const open = (): Body => ({
    body: Buffer.concat(pieces),
    trailers: [],
    framing: "chunked",
    isComplete: false,
    rest: Buffer.alloc(0),
  });
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return open();
    const line = bytes.toString("latin1", at, lineEnd);
    if (!/^[0-9a-fA-F]{1,8}$/.test(line)) throw new Error(`chunk size ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    if (bytes.length < at + size + 2)
      return { ...open(), body: Buffer.concat([...pieces, bytes.subarray(at, at + size)]) };
    pieces.push(bytes.subarray(at, at + size));
    at += size;
    if (bytes.toString("latin1", at, at + 2) !== "\r\n") throw new Error("no line end behind a chunk");
    at += 2;
  }
  const trailers: (readonly [string, string])[] = [];
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return open();
    const line = bytes.toString("latin1", at, lineEnd);
    at = lineEnd + 2;
    if (line === "") {
      const body = Buffer.concat(pieces);
      return { body, trailers, framing: "chunked", isComplete: true, rest: bytes.subarray(at) };
    }
    trailers.push(parseField(line));
  }
}

function parseField(line: string): readonly [string, string] {
  const [, name, value] = FIELD_LINE.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`no field: ${JSON.stringify(line)}`);
  return [name, value];
}

export function valuesOf(fields: Fields, wanted: string): string[] {
  return fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
}

function excerpt(bytes: Buffer, from: number): string {
  return JSON.stringify(bytes.toString("latin1", from, from + 200));
}

export interface AskOptions {
  /** Writes the request; by default all of it at once. */
  readonly send?: (socket: Socket, request: Buffer) => Promise<void> | void;
  /** How long to wait for an answer, in milliseconds. */
  readonly patience?: number;
  /** Goes on reading behind a 101 until the connection ends. */
  readonly untilClose?: boolean;
}

/**
 * Sends a request on a connection of its own and gives the answer: complete, or what of it is there when the
 * connection has ended or patience has. Undefined if not even a head came.
 */
export async function ask(
  address: string,
  method: string,
  request: Buffer,
  options: AskOptions = {},
): Promise<RawAnswer | undefined> {
  const { send, patience = 10_000, untilClose = false } = options;
  const socket = connectTo(address).setNoDelay(true);
  const chunks: Buffer[] = [];
  let isOver = false;
  const parse = (): RawAnswer | undefined => parseAnswer(Buffer.concat(chunks), method, isOver);
  const outcome = new Promise<RawAnswer | undefined>((resolve, reject) => {
    const settle = (): void => {
      try {
        resolve(parse());
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const timer = setTimeout(settle, patience);
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      if (untilClose) return;
      try {
        if (parse()?.isComplete === true) settle();
      } catch {
        settle();
      }
    });
    socket.on("close", () => {
      clearTimeout(timer);
      isOver = true;
      settle();
    });
  });
  if (send === undefined) socket.write(request);
  else void Promise.resolve(send(socket, request)).catch(() => undefined);
  try {
    return await outcome;
  } finally {
    socket.destroy();
  }
}
