import { type Encode, mark, type MarkedText, plain } from "./marked-text.js";

/** A request as it reached the upstream, credential included. */
export interface Received {
  readonly target: string;
  readonly head: string;
  /** The credential as it was sent and, decoded, as it is; longest first. */
  readonly needles: readonly string[];
}

/** How an upstream writes: bytes, and silences in milliseconds between them. */
export type Writes = readonly (Buffer | number)[];

/** What the upstream does with a request, and what the caller is to see of it. */
export interface EchoAnswer {
  readonly writes: Writes;
  /** Closes the connection behind the last write. */
  readonly closes?: boolean;
  readonly expected: {
    readonly status: number;
    readonly reason?: MarkedText;
    readonly fields?: readonly (readonly [name: MarkedText, value: MarkedText])[];
    readonly trailers?: readonly (readonly [name: MarkedText, value: MarkedText])[];
    readonly interim?: readonly (readonly [name: MarkedText, value: MarkedText])[];
    /** Undefined if the vault answers by itself. */
    readonly body?: MarkedText;
    /** The transfer must break off instead of ending. */
    readonly isBroken?: boolean;
  };
}

export interface EchoForm {
  readonly name: string;
  readonly method?: "HEAD";
  /** Request fields beside the usual ones. */
  readonly requestFields?: readonly string[];
  readonly answer: (received: Received) => EchoAnswer;
}

/** Silence after which the vault lets go of what it held back, with room to spare. */
export const LONG_SILENCE_MS = 30;

export const echoOf = (
  { head, needles }: Received,
  encode?: Encode,
  charset?: "utf8" | "latin1",
): MarkedText => mark(`${head}\r\nknown as: ${needles.join(" and ")}.`, needles, encode, charset);

export const CRLF = "\r\n";
export const statusLine = "HTTP/1.1 200 OK";

export const head = (...lines: readonly string[]): Buffer =>
  Buffer.from([...lines, "", ""].join(CRLF), "latin1");
const typeField = (type: string | undefined): string[] =>
  type === undefined ? [] : [`Content-Type: ${type}`];

export function withLength(type: string | undefined, body: MarkedText, status = 200): EchoAnswer {
  const lines = [`HTTP/1.1 ${status} As It Is`, ...typeField(type), `Content-Length: ${body.bytes.length}`];
  return { writes: [head(...lines), body.bytes], expected: { status, body } };
}

export const chunk = (data: Buffer): Buffer =>
  Buffer.concat([Buffer.from(data.length.toString(16) + CRLF), data, Buffer.from(CRLF)]);
export const LAST_CHUNK = Buffer.from("0\r\n\r\n");
export const eachByte = (data: Buffer): Buffer[] => Array.from(data, (byte) => Buffer.from([byte]));

/** Writes at every byte, with silences in the middle of each secret. */
export function slowly(text: MarkedText, wire: (byte: Buffer) => Buffer): (Buffer | number)[] {
  let run = 0;
  return eachByte(text.bytes).flatMap((byte, index) => {
    run = text.mask[index] === 0 ? 0 : run + 1;
    const isSilent = run === 3 || run === 9 || run === 30;
    return isSilent ? [wire(byte), LONG_SILENCE_MS] : [wire(byte)];
  });
}

/** What can stand in a field's value: all that was injected. */
export const asField = (
  name: string,
  received: Received,
  encode?: Encode,
): [line: Buffer, field: [MarkedText, MarkedText]] => {
  const value = mark(received.needles.join(" "), received.needles, encode, "latin1");
  return [Buffer.concat([Buffer.from(`${name}: `), value.bytes, Buffer.from(CRLF)]), [plain(name), value]];
};

export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
export const inLatin1 = (text: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
export const asciiHeader: Encode = (text) => Buffer.from(text).toString("latin1");

/** What the vault says instead of an answer that is none. */
export const refused: EchoAnswer["expected"] = { status: 502 };

/** Headers carry Latin-1; what does not fit is sent as the bytes of its UTF-8. */
export function sendable({ needles }: Received): Encode | undefined {
  return needles.every(inLatin1) ? undefined : asciiHeader;
}
