import { Limiter } from "../policies/limiter.js";
import { UNUSED, type LimiterState } from "../policies/limiter-state.js";
import type { LimitValues } from "../policies/policy-decision.js";

/** What the vault keeps of a token's use, by the token's digest. */
export interface KeptUse {
  readonly state: LimiterState;
}

/** The collection that it is kept in, beside what others keep there. */
export interface UseStore {
  /** Throws while locked. */
  readonly records: ReadonlyMap<string, object>;
  change<R>(mutate: (records: Map<string, object>) => R): Promise<R>;
}

const KEY_START = "use:";
const keyOf = (digest: string): string => `${KEY_START}${digest}`;
const isStale = (key: string, isToken: (digest: string) => boolean): boolean =>
  key.startsWith(KEY_START) && !isToken(key.slice(KEY_START.length));

/**
 * How far ahead of what was used the vault is told, at least: a crash may cost a token so much, and gives it nothing back.
 * Of a larger limit a hundredth, so that a busy token does not have the vault file written all the time.
 */
const AHEAD = { uses: 32, bytes: 4 * 1024 * 1024, ofLimit: 0.01 } as const;

/** One token's limiter, and what of it is on disk. */
interface Kept {
  readonly limiter: Limiter;
  limits: LimitValues;
  /** What a restart would find. */
  uses: number;
  bytes: number;
  day: number;
  /** The save that is under way. */
  saving: Promise<void> | undefined;
}

/** Keeps what tokens have used of their limits: in memory exactly, and in the vault so that no restart gives any back. */
export interface UseKeeper {
  /** The limiter of a token, with these limits from now on. */
  limiterOf(digest: string, limits: LimitValues): Limiter;
  /**
   * After a reservation: resolves when the vault knows of it. Undefined if it knows already.
   * @param isCooldown whether a cooldown began
   */
  settle(digest: string, isCooldown: boolean): Promise<void> | undefined;
  /** After bytes were taken. */
  settleBytes(digest: string): void;
  /** Saves what was really used, and drops what is of tokens that are no more. Rejects as a save does. */
  save(isToken: (digest: string) => boolean): Promise<void>;
  /** Drops everything in memory. */
  clear(): void;
}

export function createUseKeeper(store: UseStore): UseKeeper {
  const kept = new Map<string, Kept>();

  const isKnown = ({ limiter, uses, bytes, day }: Kept): boolean =>
    limiter.uses <= uses && (limiter.dayBytes === 0 || (limiter.day === day && limiter.dayBytes <= bytes));
  const saveAhead = async (digest: string, entry: Kept): Promise<void> => {
    let saved: LimiterState = UNUSED;
    // What is true when its turn comes, which may be more than now.
    await store.change((records) => {
      const state = entry.limiter.state();
      saved = {
        ...state,
        uses: state.uses + aheadOf(entry.limits).uses,
        bytes: { ...state.bytes, count: state.bytes.count + aheadOf(entry.limits).bytes },
      };
      records.set(keyOf(digest), { state: saved } satisfies KeptUse);
    });
    entry.uses = saved.uses;
    entry.bytes = saved.bytes.count;
    entry.day = saved.bytes.day;
  };
  /** A save that is under way may have begun before what is to be saved. */
  const saveAfter = async (digest: string, entry: Kept): Promise<void> => {
    await entry.saving?.catch(() => undefined);
    entry.saving ??= saveAhead(digest, entry).finally(() => (entry.saving = undefined));
    await entry.saving;
  };

  return {
    limiterOf(digest, limits) {
      const known = kept.get(digest);
      if (known !== undefined) {
        if (known.limits !== limits) known.limiter.setLimits(limits);
        known.limits = limits;
        return known.limiter;
      }
      const state = (store.records.get(keyOf(digest)) as KeptUse | undefined)?.state ?? UNUSED;
      const limiter = new Limiter(limits, { state });
      const { uses, bytes } = state;
      kept.set(digest, { limiter, limits, uses, bytes: bytes.count, day: bytes.day, saving: undefined });
      return limiter;
    },
    settle(digest, isCooldown) {
      const entry = kept.get(digest);
      if (entry === undefined || (!isCooldown && isKnown(entry))) return undefined;
      return saveAfter(digest, entry);
    },
    settleBytes(digest) {
      const entry = kept.get(digest);
      if (entry === undefined || entry.saving !== undefined) return;
      const { day, dayBytes } = entry.limiter;
      const isNear = day !== entry.day || dayBytes > entry.bytes - aheadOf(entry.limits).bytes / 2;
      // Whoever needs to know asks `settle`.
      if (isNear) void saveAfter(digest, entry).catch(() => undefined);
    },
    async save(isToken) {
      const hasStale = [...store.records.keys()].some((key) => isStale(key, isToken));
      if (kept.size === 0 && !hasStale) return;
      await store.change((records) => {
        for (const key of [...records.keys()]) if (isStale(key, isToken)) records.delete(key);
        for (const [digest, { limiter }] of kept) {
          if (isToken(digest)) records.set(keyOf(digest), { state: limiter.state() } satisfies KeptUse);
        }
      });
    },
    clear: () => kept.clear(),
  };
}

function aheadOf({ maxUses = 0, bytesPerDay = 0 }: LimitValues): {
  readonly uses: number;
  readonly bytes: number;
} {
  return {
    uses: Math.max(AHEAD.uses, Math.floor(maxUses * AHEAD.ofLimit)),
    bytes: Math.max(AHEAD.bytes, Math.floor(bytesPerDay * AHEAD.ofLimit)),
  };
}
