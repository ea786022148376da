/** How many forbidden things a token may do before it is suspended. */
const STRIKES = 3;
/** The same thing again within this time is no other: many clients repeat a refused request, Slack's for half an hour. */
const REPEAT_MS = 45 * 60_000;
/** Tokens that are remembered; whoever has more than this has other troubles, and the oldest is forgotten. */
const REMEMBERED_TOKENS = 10_000;

/** What a strike was about: a number or text that stands for that alone. */
export type StrikeCause = number | string;

/** Counts what tokens should not have done, and tells who is suspended before that is saved. */
export interface TokenStrikes {
  /**
   * @param repeatMs for how long the same thing again is no other
   * @returns whether this was one too many, from now on
   */
  add(digest: string, cause: StrikeCause, repeatMs?: number): boolean;
  /** Since when the token is suspended, in milliseconds since the epoch; undefined if it is not. */
  outSince(digest: string): number | undefined;
  forget(digest: string): void;
}

interface Strike {
  readonly cause: StrikeCause;
  /** Milliseconds since the epoch. What repeats it does not put it off: nobody is let off by keeping at it. */
  readonly at: number;
}

/** @param clock milliseconds since the epoch */
export function createTokenStrikes(clock: () => number): TokenStrikes {
  const strikes = new Map<string, Strike[]>();
  return {
    add(digest, cause, repeatMs = REPEAT_MS) {
      const known = strikes.get(digest) ?? [];
      const at = clock();
      // A clock that was put back makes no repetition of what lies ahead.
      const isRepeated = known.some(
        (strike) => strike.cause === cause && at >= strike.at && at - strike.at < repeatMs,
      );
      if (known.length >= STRIKES || isRepeated) return false;
      known.push({ cause, at });
      strikes.delete(digest);
      strikes.set(digest, known);
      const [oldest] = strikes.keys();
      if (strikes.size > REMEMBERED_TOKENS && oldest !== undefined) strikes.delete(oldest);
      return known.length === STRIKES;
    },
    outSince: (digest) => strikes.get(digest)?.[STRIKES - 1]?.at,
    forget: (digest) => void strikes.delete(digest),
  };
}
