import { FILTER_BITS_PER_HASH, SMALLEST_FILTER_BITS } from "./outbound-limits.js";

/**
 * One bit for each hash that matters: `slot = hash >>> shift`, then bit `slot & 31` of `words[slot >>> 5]`.
 * Says yes to every hash that was added and to few others.
 */
export interface HashFilter {
  readonly words: Int32Array;
  readonly shift: number;
}

/** A filter with room for `capacity` hashes (more only make it less selective). */
export function createHashFilter(capacity: number): HashFilter {
  const wanted = Math.max(capacity * FILTER_BITS_PER_HASH, SMALLEST_FILTER_BITS);
  const width = Math.min(Math.ceil(Math.log2(wanted)), 31);
  return { words: new Int32Array(2 ** (width - 5)), shift: 32 - width };
}

export function addHash({ words, shift }: HashFilter, hash: number): void {
  const slot = hash >>> shift;
  words[slot >>> 5] = (words[slot >>> 5] ?? 0) | (1 << (slot & 31));
}

/** False only of a hash that was never added. */
export function mayHoldHash({ words, shift }: HashFilter, hash: number): boolean {
  const slot = hash >>> shift;
  return ((words[slot >>> 5] ?? 0) & (1 << (slot & 31))) !== 0;
}
