import { hash } from "node:crypto";
import type { AuditKey } from "./audit-key.js";
import { LINE_BYTES } from "./audit-limits.js";

/** The last line of a log: its number, and the SHA-256 of its bytes without the line feed, base64url. */
export interface ChainEnd {
  readonly sequence: number;
  readonly hash: string;
}

/** Before the first line: no line has this hash. */
export const CHAIN_START: ChainEnd = { sequence: 0, hash: "A".repeat(43) };

export interface SealedLine {
  /** Bytes of it, its line feed included. */
  readonly size: number;
  readonly end: ChainEnd;
}

const HASH = "[A-Za-z0-9_-]{43}";
const KEY_ID = "[A-Za-z0-9_-]{8}";
/** A quote inside a JSON string is always escaped, so that no value of a field can look like these. */
const START_PATTERN = /^\{"seq":([1-9]\d{0,15}),/;
const END_PATTERN = new RegExp(`,"prev":"(${HASH})"(?:,"mac":"(${KEY_ID})\\.(${HASH})")?\\}$`);
/** `,"mac":"` + key id + `.` + MAC + `"}` */
const MAC_CHARACTERS = 8 + 8 + 1 + 43 + 2;
/** What stands around the members: the number, the hash of the line before, the MAC, a line feed. */
const AROUND_CHARACTERS = 8 + 16 + 10 + 43 + MAC_CHARACTERS + 1;
const LINE_FEED = 0x0a;
/** UTF-8 of a UTF-16 unit. */
const MOST_BYTES_OF_UNIT = 3;

/** Room that a line with these members needs, in bytes. */
export function mostBytesOfLine(members: string): number {
  return members.length * MOST_BYTES_OF_UNIT + AROUND_CHARACTERS;
}

/**
 * Writes the line behind `end`: `{"seq":N,` + `members` + `,"prev":"hash of the line before"` + `,"mac":"key id.MAC"}` and a
 * line feed. The MAC is over all that stands before it, and is left out without a key. The hash of the line is over all but
 * the line feed.
 *
 * @param members the fields of a JSON object, without its braces; at least one, and ASCII or UTF-16 that is well formed.
 * @param into has room for {@link mostBytesOfLine} from `at` on
 */
export function sealLine(
  end: ChainEnd,
  members: string,
  key: AuditKey | undefined,
  into: Buffer,
  at: number,
): SealedLine {
  const sequence = end.sequence + 1;
  const covered = `{"seq":${sequence},${members},"prev":"${end.hash}"`;
  let next = at + into.write(covered, at, "utf8");
  const rest = key === undefined ? "}" : `,"mac":"${key.id}.${key.mac(into.subarray(at, next))}"}`;
  next += into.write(rest, next, "latin1");
  const hash = hashLine(into.subarray(at, next));
  into[next] = LINE_FEED;
  return { size: next + 1 - at, end: { sequence, hash } };
}

export function hashLine(line: string | Uint8Array): string {
  return hash("sha256", line, "base64url");
}

/** How much of a line's start holds its number. */
export const SEQUENCE_BYTES = 32;

/** The number that a line begins with; undefined for what is no beginning of a line of this log. */
export function readSequence(start: Uint8Array): number | undefined {
  const text = Buffer.from(start.buffer, start.byteOffset, start.length).toString("latin1");
  const [, digits] = START_PATTERN.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** A line that was read. Whether it is where it belongs is for {@link createVerifier} to say. */
export interface ChainLine {
  readonly end: ChainEnd;
  /** The hash that it gives of the line before. */
  readonly previousHash: string;
  readonly mac: { readonly keyId: string; readonly value: string; readonly covered: Uint8Array } | undefined;
  /** All its fields, the chain's own included. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Reads a line without its line feed; undefined if it is none of this log's. */
export function parseLine(bytes: Uint8Array): ChainLine | undefined {
  if (bytes.length > LINE_BYTES) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  const sequence = Number(START_PATTERN.exec(text)?.[1]);
  const [, previousHash, keyId, value] = END_PATTERN.exec(text) ?? [];
  const fields = parseObject(text);
  if (previousHash === undefined || fields?.seq !== sequence) return undefined;
  const mac =
    keyId === undefined || value === undefined
      ? undefined
      : { keyId, value, covered: bytes.subarray(0, bytes.length - MAC_CHARACTERS) };
  return { end: { sequence, hash: hashLine(bytes) }, previousHash, mac, fields };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
