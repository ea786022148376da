/** Every limit of the search for secrets in what an upstream answers. */

/** Characters (code points). Shorter secrets would be found in innocent text all the time. */
export const SHORTEST_SEARCHED_SECRET = 8;

/** Characters. A line of a longer secret that is at least this long is searched for by itself. */
export const SHORTEST_SEARCHED_LINE = 20;

/**
 * Bytes. A longer form is searched for in consecutive pieces of this size: it bounds what a stream holds back, and a
 * part of a secret is found as soon as it holds one whole piece (any 127 bytes in a row do).
 */
export const PIECE_BYTES = 64;

/** Bytes of a pattern: what the automaton's tables can count. */
export const LONGEST_PATTERN = 255;

/** Bytes that may leave during a silence although they could be the start of a secret. */
export const LET_GO_BYTES = 4;

/** Bytes of a form: a shorter part of one at the edge of a partial answer (206) is left alone. */
export const SHORTEST_EDGE = 6;

/**
 * Bytes of a form: a part of a secret that is as long, and is seen to be one, counts as a guess at it. Shorter ones
 * stand in innocent text.
 */
export const SHORTEST_GUESS = 10;

/**
 * Bytes that are looked at to see that no pattern starts in them, unless the shortest pattern is shorter: a longer
 * window skips more at once but finds more pieces of patterns in it.
 */
export const WIDEST_WINDOW = 16;

/**
 * Bytes of the table that says how far to skip: at least this many for each block of bytes in it, a power of two
 * between these bounds. The upper one keeps it in a processor's second cache, the lower one in its first.
 */
export const SKIP_SLOTS_PER_BLOCK = 8;
export const FEWEST_SKIP_SLOTS = 4096;
export const MOST_SKIP_SLOTS = 65_536;
