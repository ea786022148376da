import { BLOCK_BYTES, BLOCK_ENDS_BYTES, HASH_STEP_BITS, TAIL_BYTES } from "./outbound-limits.js";

const GEAR_WORDS = 256;
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;

/**
 * Two 32-bit hash functions, drawn at random, so that nobody can make input that collides. Their high bits are the
 * good ones.
 * - Of the last 16 bytes: `hash = ((hash << HASH_STEP_BITS) + gear[byte]) | 0` for each byte.
 * - Of a block of 8 bytes, two little-endian integers: `(imul(first, low) + imul(second, high)) | 0`.
 */
export interface OutboundHash {
  readonly gear: Int32Array;
  readonly low: number;
  readonly high: number;
}

export function drawOutboundHash(randomBytes: (size: number) => Buffer): OutboundHash {
  const bytes = randomBytes((GEAR_WORDS + 2) * WORD_BYTES);
  const wordAt = (index: number): number => bytes.readInt32LE(index * WORD_BYTES);
  return {
    gear: Int32Array.from({ length: GEAR_WORDS }, (_, i) => wordAt(i)),
    low: wordAt(256),
    high: wordAt(257),
  };
}

/** What a stream has shown so far: `before`, then the first `end` bytes of `now`. */
export interface SeenBytes {
  readonly before: Buffer;
  readonly now: Buffer;
  readonly end: number;
}

/** The hash of the {@link TAIL_BYTES} bytes from `start`, which counts from the first byte of `before`. */
export function hashAt({ gear }: OutboundHash, { before, now }: SeenBytes, start: number): number {
  let hash = 0;
  for (let i = start; i < start + TAIL_BYTES; i += 1) {
    const byte = (i < before.length ? before[i] : now[i - before.length]) ?? 0;
    hash = ((hash << HASH_STEP_BITS) + (gear[byte] ?? 0)) | 0;
  }
  return hash;
}

/** The hashes of the blocks that end in a pattern's last bytes, one of which every stream with the pattern shows. */
export function endBlockHashes({ low, high }: OutboundHash, pattern: Buffer): number[] {
  const first = pattern.length - BLOCK_ENDS_BYTES;
  return Array.from({ length: BLOCK_BYTES }, (_, i) => {
    const at = first + i;
    return (
      (Math.imul(pattern.readInt32LE(at), low) + Math.imul(pattern.readInt32LE(at + WORD_BYTES), high)) | 0
    );
  });
}
