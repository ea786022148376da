/** Every limit of the search for secrets in what a caller sends. */

/** UTF-16 units. Shorter values could be guessed; a search for them would tell whether a guess was right. */
export const SHORTEST_SECRET = 20;

/** Bytes. What is longer is compared over its last bytes only, so that a stream remembers no more than this. */
export const LONGEST_SENT_PATTERN = 8192;

/**
 * Bytes at a pattern's end that the rolling hash covers: it moves by 2 of its 32 bits a byte. Ends and not
 * beginnings, because tokens of one kind begin alike (a JWT's header, an issuer's prefix).
 */
export const TAIL_BYTES = 16;
export const HASH_STEP_BITS = 2;

/**
 * Bytes of a block. A stream is looked at in consecutive blocks, one of which lies wholly in a pattern's last
 * `BLOCK_ENDS_BYTES` wherever the pattern stands; so `BLOCK_BYTES` different blocks of it are known.
 */
export const BLOCK_BYTES = 8;
export const BLOCK_ENDS_BYTES = 2 * BLOCK_BYTES - 1;

/** Filter bits for each hash in it: at 16, at most one block in sixteen passes by chance and is looked at closely. */
export const FILTER_BITS_PER_HASH = 16;
export const SMALLEST_FILTER_BITS = 4096;
