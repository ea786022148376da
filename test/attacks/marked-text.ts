/**
 * Bytes of which each says whether it may reach the caller: 0 as it is, 1 only overwritten, 2 either way (a Base64
 * character in which other bytes have a share).
 */
export interface MarkedText {
  readonly bytes: Buffer;
  readonly mask: Buffer;
}

const PLAIN = 0;
const SECRET = 1;
const EITHER = 2;
const ASTERISK = 0x2a;

export type Encode = (text: string) => string;

const same: Encode = (text) => text;

export function asSent(bytes: Buffer): MarkedText {
  return { bytes, mask: Buffer.alloc(bytes.length, PLAIN) };
}

export function plain(text: string): MarkedText {
  return asSent(Buffer.from(text));
}

/** Marks every needle in a text and writes each part by `encode`, which must treat every character by itself. */
export function mark(
  text: string,
  needles: readonly string[],
  encode: Encode = same,
  charset: "utf8" | "latin1" = "utf8",
): MarkedText {
  const parts: MarkedText[] = [];
  let at = 0;
  const add = (to: number, mask: number): void => {
    const bytes = Buffer.from(encode(text.slice(at, to)), charset);
    parts.push({ bytes, mask: Buffer.alloc(bytes.length, mask) });
    at = to;
  };
  for (;;) {
    const found = needles
      .map((needle) => ({ needle, from: text.indexOf(needle, at) }))
      .filter(({ from }) => from >= 0)
      .sort((a, b) => a.from - b.from || b.needle.length - a.needle.length)[0];
    if (found === undefined) break;
    add(found.from, PLAIN);
    add(found.from + found.needle.length, SECRET);
  }
  add(text.length, PLAIN);
  return join(...parts);
}

export function join(...parts: readonly MarkedText[]): MarkedText {
  return {
    bytes: Buffer.concat(parts.map(({ bytes }) => bytes)),
    mask: Buffer.concat(parts.map(({ mask }) => mask)),
  };
}

export function slice({ bytes, mask }: MarkedText, from: number, to: number): MarkedText {
  return { bytes: bytes.subarray(from, to), mask: mask.subarray(from, to) };
}

/** The Base64 of a text; a character is a secret's if all of its six bits are. */
export function base64({ bytes, mask }: MarkedText, alphabet: "base64" | "base64url"): MarkedText {
  const encoded = Buffer.from(bytes.toString(alphabet));
  const encodedMask = encoded.map((character, index) => {
    if (character === "=".charCodeAt(0)) return PLAIN;
    const first = mask[Math.floor((index * 6) / 8)] ?? PLAIN;
    const last = mask[Math.floor((index * 6 + 5) / 8)] ?? first;
    return first === last ? first : EITHER;
  });
  return { bytes: encoded, mask: Buffer.from(encodedMask) };
}

/** Lets the first bytes of each secret pass, as many as may leave during a silence. */
export function afterSilence({ bytes, mask }: MarkedText, letGo: number): MarkedText {
  const loose = Buffer.from(mask);
  let run = 0;
  mask.forEach((mark, index) => {
    run = mark === PLAIN ? 0 : run + 1;
    if (run > 0 && run <= letGo) loose[index] = EITHER;
  });
  return { bytes, mask: loose };
}

export function secretBytes({ mask }: MarkedText): number {
  return mask.filter((mark) => mark === SECRET).length;
}

/** What is wrong with what was received; undefined if nothing is. */
export function difference(expected: MarkedText, received: Buffer): string | undefined {
  const { bytes, mask } = expected;
  if (bytes.length !== received.length) {
    return `${received.length} bytes instead of ${bytes.length}: ${received.toString("latin1").slice(0, 300)}`;
  }
  const wrong = received.findIndex((byte, index) => {
    const isSame = byte === bytes[index];
    const isOverwritten = byte === ASTERISK;
    return mask[index] === PLAIN
      ? !isSame
      : mask[index] === SECRET
        ? !isOverwritten
        : !isSame && !isOverwritten;
  });
  if (wrong < 0) return undefined;
  const around = (buffer: Buffer): string =>
    JSON.stringify(buffer.toString("latin1", Math.max(0, wrong - 40), wrong + 80));
  return `at ${wrong} ${around(received)} came of ${around(bytes)}`;
}
