import {
  FEWEST_SKIP_SLOTS,
  MOST_SKIP_SLOTS,
  SKIP_SLOTS_PER_BLOCK,
  WIDEST_WINDOW,
} from "./scrubbing-limits.js";

const BLOCK_BYTES = 3;

/** How far a search can move on without missing a pattern. */
export interface SkipTable {
  /** Bytes that must be there to be looked at. */
  readonly window: number;
  /**
   * By the hash of a window's last three bytes a, b, c, `(a << 10 ^ b << 5 ^ c) & mask`: no pattern begins in that
   * many first bytes of the window. 0 if one may begin with its first byte.
   */
  readonly skips: Uint8Array;
  readonly mask: number;
}

/**
 * The table of Wu and Manber's search for many patterns ("A fast algorithm for multi-pattern searching", 1994): most
 * blocks of bytes do not occur in the first bytes of any pattern, so one look in the middle of where a pattern would
 * have to be rules it out at many places.
 */
export function createSkipTable(patterns: readonly Uint8Array[]): SkipTable {
  const shortest = patterns.reduce((least, pattern) => Math.min(least, pattern.length), WIDEST_WINDOW);
  const window = Math.max(shortest, BLOCK_BYTES);
  const wanted = patterns.length * (window - BLOCK_BYTES + 1) * SKIP_SLOTS_PER_BLOCK;
  let slots = FEWEST_SKIP_SLOTS;
  while (slots < wanted && slots < MOST_SKIP_SLOTS) slots *= 2;
  const mask = slots - 1;
  // A pattern shorter than a block could begin anywhere in it.
  const skips = new Uint8Array(slots).fill(shortest < BLOCK_BYTES ? 0 : window - BLOCK_BYTES + 1);
  for (const pattern of patterns) {
    for (let end = BLOCK_BYTES; end <= shortest; end += 1) {
      const [a = 0, b = 0, c = 0] = pattern.subarray(end - BLOCK_BYTES, end);
      const slot = ((a << 10) ^ (b << 5) ^ c) & mask;
      skips[slot] = Math.min(skips[slot] ?? 0, window - end);
    }
  }
  return { window, skips, mask };
}
