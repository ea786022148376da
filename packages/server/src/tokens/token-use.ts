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

/** @param clock milliseconds since the epoch */
export function createTokenUse(clock: () => number): TokenUse {
  const lastUsed = new Map<string, number>();
  return {
    note(record) {
      lastUsed.set(record.digest, clock());
    },
    lastUsedAt: (digest) => lastUsed.get(digest),
    isIdle({ digest, created_at, idle_timeout_ms }) {
      if (idle_timeout_ms === undefined) return false;
      return clock() - (lastUsed.get(digest) ?? Date.parse(created_at)) >= idle_timeout_ms;
    },
    forget: (digest) => void lastUsed.delete(digest),
    clear: () => lastUsed.clear(),
  };
}

/** The sentence that the holder of an idle token is told. */
export function idleSentence(idleTimeoutMs: number): string {
  const [amount, unit] =
    idleTimeoutMs % 60_000 === 0 ? [idleTimeoutMs / 60_000, "minute"] : [idleTimeoutMs / 1000, "second"];
  return `session expired after ${amount} idle ${unit}${amount === 1 ? "" : "s"}`;
}
