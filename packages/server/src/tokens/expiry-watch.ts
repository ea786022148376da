import type { TokenRecord } from "./token-record.js";

/**
 * Milliseconds that one timer runs at most. Timers stand still while a machine sleeps, and a clock may be set; so the
 * clock is looked at every so often.
 */
const LONGEST_WAIT_MS = 60_000;

export interface ExpiryWatch {
  /** These are the tokens from now on. Those that have expired are told of first, also ones that are not among them. */
  update(tokens: Iterable<TokenRecord>): void;
  /** Watches nothing any more. */
  clear(): void;
}

export interface ExpiryWatchParts {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Runs a task later; what it returns takes it back. */
  readonly after: (milliseconds: number, task: () => void) => () => void;
  /** Told once of each token when it expires, so that what it runs can be ended. */
  readonly onExpired: (record: TokenRecord) => void;
}

interface Watched {
  readonly record: TokenRecord;
  /** Milliseconds since the epoch. */
  readonly end: number;
}

/** Tells of tokens that expire, when they do: by one timer, which runs to the next of them. */
export function createExpiryWatch({ clock, after, onExpired }: ExpiryWatchParts): ExpiryWatch {
  let watched = new Map<string, Watched>();
  let cancel: (() => void) | undefined;

  function tellExpired(): void {
    const now = clock();
    const expired = [...watched.values()].filter(({ end }) => end <= now);
    for (const { record } of expired) watched.delete(record.digest);
    for (const { record } of expired) onExpired(record);
  }

  function schedule(): void {
    cancel?.();
    cancel = undefined;
    let next = Infinity;
    for (const { end } of watched.values()) next = Math.min(next, end);
    if (next === Infinity) return;
    const wait = Math.min(Math.max(next - clock(), 1), LONGEST_WAIT_MS);
    cancel = after(wait, () => {
      tellExpired();
      schedule();
    });
  }

  return {
    update(tokens) {
      tellExpired();
      const now = clock();
      const former = watched;
      watched = new Map();
      for (const record of tokens) {
        // To read ten thousand times of day takes milliseconds, at each change of a single token.
        const known = former.get(record.digest);
        const same = known?.record === record ? known : { record, end: Date.parse(record.expires_at) };
        if (same.end > now) watched.set(record.digest, same);
      }
      schedule();
    },
    clear() {
      watched = new Map();
      schedule();
    },
  };
}
