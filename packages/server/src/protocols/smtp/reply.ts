import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { Parsed } from "../../wire/wire-socket.js";
import { LIMITS } from "./limits.js";
import { parseLine } from "./line.js";

/** RFC 5321 §4.2. */
export interface SmtpReply {
  /** 200 to 599. */
  readonly code: number;
  /** The text of each line, at least one; bytes as Latin-1. */
  readonly lines: readonly [string, ...string[]];
}

/** `Reply-line` of RFC 5321 §4.2; a line may end behind the code. */
const REPLY_LINE = /^([2-5][0-9]{2})(?:([ -])(.*))?$/s;

/**
 * A reply with all its lines; undefined if it is not whole yet.
 * @throws ProtocolViolation
 */
export function parseReply(bytes: Buffer): Parsed<SmtpReply> | undefined {
  const texts: string[] = [];
  let firstCode: string | undefined;
  let length = 0;
  for (;;) {
    const line = parseLine(bytes.subarray(length));
    if (line === undefined) return undefined;
    length += line.length;
    const [, code, separator, text = ""] = REPLY_LINE.exec(line.value.toString("latin1")) ?? [];
    if (code === undefined) throw new ProtocolViolation("a line is no SMTP reply");
    firstCode ??= code;
    if (code !== firstCode) throw new ProtocolViolation("the lines of a reply have different codes");
    if (separator !== "-") {
      const [first, ...others] = texts;
      const lines = first === undefined ? ([text] as const) : ([first, ...others, text] as const);
      return { value: { code: Number(code), lines }, length };
    }
    texts.push(text);
    if (texts.length >= LIMITS.replyLines) throw new ProtocolViolation("a reply has too many lines");
  }
}

/** A reply on the wire. What is not printable ASCII becomes a question mark: no text can begin another line. */
export function formatReply(code: number, ...lines: readonly [string, ...string[]]): string {
  return lines
    .map((text, at) => {
      const separator = at === lines.length - 1 ? " " : "-";
      return `${code}${separator}${text.replaceAll(/[^\x20-\x7e]/g, "?")}\r\n`;
    })
    .join("");
}
