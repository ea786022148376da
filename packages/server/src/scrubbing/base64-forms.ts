const BITS_OF_CHARACTER = 6;

/**
 * The characters that stand in any Base64 text (RFC 4648 §4 and §5) of which the bytes are a part: one form for each
 * of the three places in a group of three bytes where they can begin, and each of these once more with the last
 * character that is written if the text ends there. Characters at either end that other bytes have a share in are
 * left out, so up to 4 bits of the first byte, and of the last, are not covered. May repeat.
 */
export function base64Forms(bytes: Uint8Array): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const atEnd = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .replace(/=+$/, "")
      .slice(Math.ceil((offset * 8) / BITS_OF_CHARACTER));
    const isLastShared = ((offset + bytes.length) * 8) % BITS_OF_CHARACTER !== 0;
    return [atEnd, isLastShared ? atEnd.slice(0, -1) : atEnd].flatMap((form) => [
      form,
      form.replaceAll("+", "-").replaceAll("/", "_"),
    ]);
  });
}
