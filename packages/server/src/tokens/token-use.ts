import type { TokenRecord } from "./token-record.js";

/** When each token was last used, as far as this process knows. */
export interface TokenUse {
  note(record: TokenRecord): void;
  /** Milliseconds since the epoch; undefined if it was not used since the server started. */
  lastUsedAt(digest: string): number | undefined;
  /**
   * Whether it was left unused for longer than it may. After a restart nothing is known of its use but that it was made:
   * an old session then counts as idle, which is the safe mistake.
   */
  isIdle(record: TokenRecord): boolean;
  forget(digest: string): void;
  clear(): void;
}

interface LastUse {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Monotonic milliseconds. */
  readonly tick: number;
}

/**
 * @param clock milliseconds since the epoch
 * @param monotonic milliseconds that nobody can set back
 */
export function createTokenUse(clock: () => number, monotonic: () => number): TokenUse {
  const lastUses = new Map<string, LastUse>();
  return {
    note(record) {
      lastUses.set(record.digest, { at: clock(), tick: monotonic() });
    },
    lastUsedAt: (digest) => lastUses.get(digest)?.at,
    isIdle({ digest, created_at, idle_timeout_ms }) {
      if (idle_timeout_ms === undefined) return false;
      const last = lastUses.get(digest);
      // One that lies ahead was made before the clock was set back, nobody knows how long ago.
      if (last === undefined) return Math.abs(clock() - Date.parse(created_at)) >= idle_timeout_ms;
      // A clock that is set back does not prolong it, and the other stands still while the machine sleeps.
      return Math.max(clock() - last.at, monotonic() - last.tick) >= idle_timeout_ms;
    },
    forget: (digest) => void lastUses.delete(digest),
    clear: () => lastUses.clear(),
  };
}

/** The sentence that the holder of an idle token is told. */
export function idleSentence(idleTimeoutMs: number): string {
  const [amount, unit] =
    idleTimeoutMs % 60_000 === 0 ? [idleTimeoutMs / 60_000, "minute"] : [idleTimeoutMs / 1000, "second"];
  return `session expired after ${amount} idle ${unit}${amount === 1 ? "" : "s"}`;
}
