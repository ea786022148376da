import { ROOT, type SecretMatcher } from "./secret-matcher.js";

const ASTERISK = 0x2a;

/** Overwrites the secrets in a complete run of bytes with `*`. A copy if there were any, else the bytes themselves. */
export function scrubBytes(matcher: SecretMatcher, bytes: Buffer): { bytes: Buffer; hits: number } {
  const cursor = { state: ROOT, position: 0 };
  let scrubbed = bytes;
  let hits = 0;
  let lastEnd = -1;
  for (;;) {
    const length = matcher.findNext(bytes, cursor);
    if (length === 0) return { bytes: scrubbed, hits };
    if (hits === 0) scrubbed = Buffer.from(bytes);
    const start = cursor.position - length;
    if (start > lastEnd) hits += 1;
    lastEnd = cursor.position;
    scrubbed.fill(ASTERISK, start, lastEnd);
  }
}

/** The same for Latin-1 text, such as a header field value as Node gives it: one character is one byte. */
export function scrubText(matcher: SecretMatcher, text: string): { text: string; hits: number } {
  const { bytes, hits } = scrubBytes(matcher, Buffer.from(text, "latin1"));
  return { text: hits === 0 ? text : bytes.toString("latin1"), hits };
}
