import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { Parsed } from "../../wire/wire-socket.js";
import { IMAP_LIMITS } from "./limits.js";

/**
 * Text of a command, and the literal that it announces, if any. Both are bytes, one a character (Latin-1), without the
 * announcement and the line end.
 */
export interface CommandPiece {
  readonly text: string;
  readonly literal?: string;
}

/** The first line of a client's command (RFC 9051 §2.2.1). */
export interface CommandLine {
  /** A legal tag: it can be sent back as it is. */
  readonly tag: string;
  /** In capitals. */
  readonly name: string;
  /** What follows the name, bytes as Latin-1. */
  readonly text: string;
}

/** What a line ends with when a literal follows it (RFC 9051 §4.3, RFC 7888). */
export interface LiteralAnnouncement {
  /** The line without it. */
  readonly text: string;
  /** Bytes. */
  readonly size: number;
  /** Whether the client waits until it is asked for the literal. */
  readonly isSynchronizing: boolean;
}

const NAME_BYTES = 32;
const LONGEST_HEAD = IMAP_LIMITS.tagBytes + NAME_BYTES + 3;

/** `tag` and the command's name, or as much of them as is there. */
const HEAD_SO_FAR = new RegExp(
  `^(?!$)[^\\x00-\\x20\\x7f-\\xff(){%*"\\\\+]{0,${IMAP_LIMITS.tagBytes}}` +
    `(?:$|(?<=.) (?:$|[A-Za-z][A-Za-z0-9-]{0,${NAME_BYTES - 1}}(?:\\r?$|\\r?\\n| )))`,
);
const WHOLE_LINE = /^(\S+) ([A-Za-z0-9-]+)((?: [^]*)?)$/;

/**
 * The first line of a command at the beginning of `bytes`; undefined if it is not whole yet. What cannot become a
 * command is refused at its first wrong byte: the speaker may be of another protocol (a browser, TLS), and wait.
 *
 * @throws ProtocolViolation
 */
export function parseCommandLine(bytes: Buffer): Parsed<CommandLine> | undefined {
  if (!HEAD_SO_FAR.test(bytes.toString("latin1", 0, LONGEST_HEAD)))
    throw new ProtocolViolation("this is not an IMAP command");
  const line = parseTextLine(bytes);
  if (line === undefined) return undefined;
  const [, tag, name, text] = WHOLE_LINE.exec(line.value) ?? [];
  if (tag === undefined || name === undefined || text === undefined)
    throw new ProtocolViolation("this is not an IMAP command");
  return { value: { tag, name: name.toUpperCase(), text }, length: line.length };
}

/**
 * A line without its line end, as Latin-1. People type commands too, so a line feed alone ends one.
 *
 * @throws ProtocolViolation
 */
export function parseTextLine(bytes: Buffer): Parsed<string> | undefined {
  const lineFeed = bytes.indexOf(0x0a);
  if (lineFeed === -1) return undefined;
  const text = bytes.toString("latin1", 0, lineFeed).replace(/\r$/, "");
  if (/[\0\r]/.test(text)) throw new ProtocolViolation("a line holds a NUL or a carriage return");
  return { value: text, length: lineFeed + 1 };
}

const ANNOUNCEMENT = /~?\{(\d+)(\+?)\}$/;

export function literalAnnouncement(text: string): LiteralAnnouncement | undefined {
  const found = ANNOUNCEMENT.exec(text);
  if (found === null) return undefined;
  return { text: text.slice(0, found.index), size: Number(found[1]), isSynchronizing: found[2] === "" };
}

/**
 * A quoted string, or an atom: of any bytes that could not be anything else, since clients are careless with the user
 * names and passwords that they do not quote.
 */
const STRING = / (?:"((?:[^"\\]|\\["\\])*)"|([^\x00-\x20\x7f(){"]+))/y;

/** The strings of which a command's arguments consist, as Latin-1; undefined if there is anything else. */
export function parseStrings(pieces: readonly CommandPiece[]): readonly string[] | undefined {
  const strings: string[] = [];
  for (const { text, literal } of pieces) {
    let end = 0;
    for (;;) {
      STRING.lastIndex = end;
      const found = STRING.exec(text);
      if (found === null) break;
      end = STRING.lastIndex;
      strings.push(found[1]?.replace(/\\(.)/g, "$1") ?? found[2] ?? "");
    }
    if (text.slice(end) !== (literal === undefined ? "" : " ")) return undefined;
    if (literal !== undefined) strings.push(literal);
  }
  return strings;
}
