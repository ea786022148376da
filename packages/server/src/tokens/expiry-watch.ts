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

/** Tells of tokens that expire, when they do: by one timer, which runs to the next of them. */
export function createExpiryWatch({ clock, after, onExpired }: ExpiryWatchParts): ExpiryWatch {
  let watched = new Map<string, TokenRecord>();
  let cancel: (() => void) | undefined;

  const endOf = (record: TokenRecord): number => Date.parse(record.expires_at);

  function tellExpired(): void {
    const now = clock();
    const expired = [...watched.values()].filter((record) => endOf(record) <= now);
    for (const { digest } of expired) watched.delete(digest);
    expired.forEach(onExpired);
  }

  function schedule(): void {
    cancel?.();
    cancel = undefined;
    let next = Infinity;
    for (const record of watched.values()) next = Math.min(next, endOf(record));
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
      watched = new Map();
      for (const record of tokens) if (endOf(record) > now) watched.set(record.digest, record);
      schedule();
    },
    clear() {
      watched = new Map();
      schedule();
    },
  };
}
