/** How many forbidden things a token may do before it is suspended. */
const STRIKES = 3;
/** Tokens that are remembered; whoever has more than this has other troubles, and the oldest is forgotten. */
const REMEMBERED_TOKENS = 10_000;

/** Counts what tokens should not have done, and tells who is suspended before that is saved. */
export interface TokenStrikes {
  /** @returns whether this was one too many, from now on */
  add(digest: string): boolean;
  /** Since when the token is suspended, in milliseconds since the epoch; undefined if it is not. */
  outSince(digest: string): number | undefined;
  forget(digest: string): void;
}

/** @param clock milliseconds since the epoch */
export function createTokenStrikes(clock: () => number): TokenStrikes {
  const strikes = new Map<string, number[]>();
  return {
    add(digest) {
      const times = strikes.get(digest) ?? [];
      if (times.length < STRIKES) times.push(clock());
      else return false;
      strikes.delete(digest);
      strikes.set(digest, times);
      const [oldest] = strikes.keys();
      if (strikes.size > REMEMBERED_TOKENS && oldest !== undefined) strikes.delete(oldest);
      return times.length === STRIKES;
    },
    outSince: (digest) => strikes.get(digest)?.[STRIKES - 1],
    forget: (digest) => void strikes.delete(digest),
  };
}
