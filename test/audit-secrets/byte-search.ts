const WINDOW = 8;
const FILTER_BITS = 18;

/** Finds which of many needles stands in a text; needles can be added at any time. */
export interface ByteSearch {
  /** Of 8 bytes and more; a shorter one is left out. */
  add(needle: string): void;
  in(text: Buffer): string | undefined;
}

/**
 * In one pass over the text however many needles there are: a filter by the first four bytes at each place, and a map by the
 * first eight where that lets through.
 */
export function createByteSearch(needles: Iterable<string> = []): ByteSearch {
  const filter = new Uint8Array(1 << FILTER_BITS);
  const byStart = new Map<string, Buffer[]>();
  const search: ByteSearch = {
    add(needle) {
      const bytes = Buffer.from(needle);
      if (bytes.length < WINDOW) return;
      filter[slotOf(bytes, 0)] = 1;
      const start = bytes.toString("latin1", 0, WINDOW);
      const sharing = byStart.get(start);
      if (sharing === undefined) byStart.set(start, [bytes]);
      else sharing.push(bytes);
    },
    in(text) {
      if (byStart.size === 0) return undefined;
      for (let at = 0; at + WINDOW <= text.length; at += 1) {
        if (filter[slotOf(text, at)] === 0) continue;
        const found = byStart
          .get(text.toString("latin1", at, at + WINDOW))
          ?.find((needle) => text.subarray(at, at + needle.length).equals(needle));
        if (found !== undefined) return found.toString();
      }
      return undefined;
    },
  };
  for (const needle of needles) search.add(needle);
  return search;
}

function slotOf(bytes: Buffer, at: number): number {
  const four =
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24);
  return Math.imul(four, 0x9e3779b1) >>> (32 - FILTER_BITS);
}
