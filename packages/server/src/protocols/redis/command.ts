import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { splitInline } from "./inline-command.js";
import { REDIS_LIMITS } from "./limits.js";
import { ARRAY, BULK_STRING, readHeader } from "./resp-header.js";

/** A command of a client: its name in upper case, and what follows. */
export interface Command {
  readonly name: string;
  readonly args: readonly Buffer[];
}

/** What the bytes of a client begin with. */
export type CommandRead =
  | { readonly kind: "command"; readonly command: Command; readonly length: number }
  /** An empty line or array, which gets no answer. */
  | { readonly kind: "blank"; readonly length: number }
  /** Broken, or larger than a command is that is looked into. */
  | { readonly kind: "opaque" };

/** The first bytes of a TLS handshake: a client that was told to use `rediss:`. */
const TLS_HANDSHAKE = 0x16;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const OPAQUE: CommandRead = { kind: "opaque" };

/**
 * Reads one command (https://redis.io/docs/latest/develop/reference/protocol-spec/): an array of bulk strings, or a line
 * of words. Pure.
 *
 * @returns undefined if it is not whole yet
 * @throws ProtocolViolation for what is another protocol. A web page may send an HTTP request to any port, with
 *   commands in its body; Redis itself cuts such a connection when it meets `POST` or `Host:`.
 */
export function readCommand(bytes: Buffer): CommandRead | undefined {
  const first = bytes[0];
  if (first === undefined) return undefined;
  if (first === TLS_HANDSHAKE) throw new ProtocolViolation("a TLS handshake came where there is no TLS");
  return first === ARRAY ? readArray(bytes) : readLine(bytes);
}

function readArray(bytes: Buffer): CommandRead | undefined {
  const array = readHeader(bytes, 0);
  if (array === undefined) return undefined;
  if (array === "broken" || array.value > REDIS_LIMITS.commandArguments) return OPAQUE;
  if (array.value <= 0) return { kind: "blank", length: array.end };

  const words: Buffer[] = [];
  let offset = array.end;
  while (words.length < array.value) {
    if (offset < bytes.length && bytes[offset] !== BULK_STRING) return OPAQUE;
    const bulk = readHeader(bytes, offset);
    if (bulk === undefined) return undefined;
    if (bulk === "broken" || bulk.value < 0 || bulk.value > REDIS_LIMITS.argumentBytes) return OPAQUE;
    const end = bulk.end + bulk.value;
    if (end + 2 > REDIS_LIMITS.commandBytes) return OPAQUE;
    if (bytes.length < end + 2) return undefined;
    if (bytes[end] !== CARRIAGE_RETURN || bytes[end + 1] !== LINE_FEED) return OPAQUE;
    words.push(bytes.subarray(bulk.end, end));
    offset = end + 2;
  }
  return { kind: "command", command: commandOf(words), length: offset };
}

function readLine(bytes: Buffer): CommandRead | undefined {
  const end = bytes.indexOf(LINE_FEED);
  const length = end === -1 ? bytes.length : end + 1;
  if (length > REDIS_LIMITS.commandBytes) return OPAQUE;
  if (end === -1) return undefined;
  const isCrlf = end > 0 && bytes[end - 1] === CARRIAGE_RETURN;
  const words = splitInline(bytes.subarray(0, isCrlf ? end - 1 : end));
  if (words === undefined) return OPAQUE;
  if (words.length === 0) return { kind: "blank", length };
  if (isHttp(words)) throw new ProtocolViolation("an HTTP request came");
  return { kind: "command", command: commandOf(words), length };
}

/** A request line (RFC 9112 §3), or what Redis takes for a piece of a request. */
function isHttp(words: readonly Buffer[]): boolean {
  const first = words[0]?.toString("latin1").toLowerCase();
  if (first === "post" || first === "host:") return true;
  return words.length === 3 && /^HTTP\/\d\.\d$/.test(words[2]?.toString("latin1") ?? "");
}

function commandOf([name = Buffer.alloc(0), ...args]: readonly Buffer[]): Command {
  return { name: name.toString("latin1").toUpperCase(), args };
}

/** A command as an array of bulk strings. */
export function serializeCommand(...words: readonly (Buffer | string)[]): Buffer {
  const pieces: Buffer[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = Buffer.from(word);
    pieces.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(pieces);
}
