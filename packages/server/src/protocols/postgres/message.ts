import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { ParseMessage } from "../../wire/wire-socket.js";

const TYPE_BYTES = 1;
const LENGTH_BYTES = 4;
const HEADER_BYTES = TYPE_BYTES + LENGTH_BYTES;

/** A message of either side, behind the start-up (PostgreSQL documentation, "Message Formats"). */
export interface Message {
  /** The letter that the message begins with. */
  readonly type: string;
  readonly body: Buffer;
  /** All of it, to be passed on. */
  readonly bytes: Buffer;
}

/**
 * Finds one message.
 * @param limit bytes that it may have; refused by its header, before more of it is waited for
 */
export function messageParser(limit: number): ParseMessage<Message> {
  return function parseMessage(bytes) {
    if (bytes.length < HEADER_BYTES) return undefined;
    const ownLength = bytes.readUInt32BE(TYPE_BYTES);
    if (ownLength < LENGTH_BYTES) throw new ProtocolViolation("a message's length is less than its header's");
    const length = TYPE_BYTES + ownLength;
    if (length > limit) throw new ProtocolViolation("a message is too long");
    if (bytes.length < length) return undefined;
    const value = {
      type: String.fromCharCode(bytes.readUInt8(0)),
      body: bytes.subarray(HEADER_BYTES, length),
      bytes: bytes.subarray(0, length),
    };
    return { value, length };
  };
}

export function message(type: string, ...body: readonly Buffer[]): Buffer {
  const content = Buffer.concat(body);
  return Buffer.concat([Buffer.from(type, "latin1"), int32(LENGTH_BYTES + content.length), content]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A string as the protocol writes it. What holds a NUL cannot be sent. */
export function cstring(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.includes(0)) throw new Error("a string with a NUL cannot be sent");
  return Buffer.concat([bytes, Buffer.of(0)]);
}
