const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const BACKSLASH = 0x5c;
const SPACES: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]);

/** Letters that stand for control characters behind a backslash. */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
  [0x62, 0x08],
  [0x61, 0x07],
]);

/**
 * The words of a line, as Redis splits the lines that people type: separated by white space, in double quotes with
 * escapes (`\n`, `\xff`), or in single quotes with `\'`. Pure.
 *
 * @param line without its end
 * @returns undefined if a quote is not closed, or closed in the middle of a word
 */
export function splitInline(line: Buffer): Buffer[] | undefined {
  const words: Buffer[] = [];
  let offset = 0;
  for (;;) {
    while (SPACES.has(line[offset] ?? -1)) offset += 1;
    // What stands behind a NUL is not seen: Redis takes the line as a C string.
    if (offset >= line.length || line[offset] === 0) return words;
    const word = readWord(line, offset);
    if (word === undefined) return undefined;
    words.push(word.bytes);
    offset = word.end;
  }
}

interface Word {
  readonly bytes: Buffer;
  readonly end: number;
}

function readWord(line: Buffer, start: number): Word | undefined {
  const bytes: number[] = [];
  let offset = start;
  for (;;) {
    const byte = line[offset];
    if (endsWord(byte)) return { bytes: Buffer.from(bytes), end: offset };
    if (byte === QUOTE || byte === APOSTROPHE) {
      const end = byte === QUOTE ? readQuoted(line, offset + 1, bytes) : readLiteral(line, offset + 1, bytes);
      if (end === undefined || !endsWord(line[end])) return undefined;
      offset = end;
    } else {
      bytes.push(byte);
      offset += 1;
    }
  }
}

/** @returns behind the closing quote; undefined without one */
function readQuoted(line: Buffer, start: number, into: number[]): number | undefined {
  let offset = start;
  for (;;) {
    const byte = line[offset];
    if (byte === undefined) return undefined;
    if (byte === QUOTE) return offset + 1;
    const next = line[offset + 1];
    if (byte !== BACKSLASH || next === undefined) {
      into.push(byte);
      offset += 1;
      continue;
    }
    const hex = /^x([0-9a-f]{2})$/i.exec(line.toString("latin1", offset + 1, offset + 4))?.[1];
    into.push(hex === undefined ? (ESCAPES.get(next) ?? next) : Number.parseInt(hex, 16));
    offset += hex === undefined ? 2 : 4;
  }
}

/** @returns behind the closing apostrophe; undefined without one */
function readLiteral(line: Buffer, start: number, into: number[]): number | undefined {
  let offset = start;
  for (;;) {
    const byte = line[offset];
    if (byte === undefined) return undefined;
    if (byte === APOSTROPHE) return offset + 1;
    const isEscaped = byte === BACKSLASH && line[offset + 1] === APOSTROPHE;
    into.push(isEscaped ? APOSTROPHE : byte);
    offset += isEscaped ? 2 : 1;
  }
}

function endsWord(byte: number | undefined): byte is undefined {
  return byte === undefined || byte === 0 || SPACES.has(byte);
}
