import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { Parsed } from "../../wire/wire-socket.js";

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const DELETE = 0x7f;

/**
 * A line without its CRLF; undefined if it is not whole yet. Only CRLF ends one (RFC 5321 §2.3.8): who takes a bare CR
 * or LF for an end sees other lines than who does not, which is how commands and replies are smuggled. Other control
 * characters are in no command and no reply either; a TLS handshake is told by them at its first bytes.
 *
 * @throws ProtocolViolation
 */
export function parseLine(bytes: Buffer): Parsed<Buffer> | undefined {
  for (const [at, byte] of bytes.entries()) {
    if (byte === CARRIAGE_RETURN) {
      const next = bytes[at + 1];
      if (next === undefined) return undefined;
      if (next !== LINE_FEED) throw new ProtocolViolation("a line holds a bare CR");
      return { value: bytes.subarray(0, at), length: at + 2 };
    }
    if (byte === LINE_FEED) throw new ProtocolViolation("a line ends with a bare LF");
    if ((byte < SPACE && byte !== TAB) || byte === DELETE)
      throw new ProtocolViolation("a line holds a control character");
  }
  return undefined;
}
