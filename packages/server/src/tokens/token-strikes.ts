/** How many forbidden things a token may do before it is suspended. */
const STRIKES = 3;
/** Tokens that are remembered; whoever has more than this has other troubles, and the oldest is forgotten. */
const REMEMBERED_TOKENS = 10_000;

/** Counts what tokens should not have done, and tells who is suspended before that is saved. */
export interface TokenStrikes {
  /** @returns whether this was one too many, from now on */
  add(digest: string): boolean;
  isOut(digest: string): boolean;
  forget(digest: string): void;
}

export function createTokenStrikes(): TokenStrikes {
  const counts = new Map<string, number>();
  return {
    add(digest) {
      const count = (counts.get(digest) ?? 0) + 1;
      counts.delete(digest);
      counts.set(digest, count);
      const [oldest] = counts.keys();
      if (counts.size > REMEMBERED_TOKENS && oldest !== undefined) counts.delete(oldest);
      return count === STRIKES;
    },
    isOut: (digest) => (counts.get(digest) ?? 0) >= STRIKES,
    forget: (digest) => void counts.delete(digest),
  };
}
