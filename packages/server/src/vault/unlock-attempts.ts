import { join } from "node:path";
import { z } from "zod";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { describeThrown, type Logger } from "../redaction/logger.js";
import { readRegularFile, replaceDurably } from "./durable-file.js";
import { UNLOCK_LIMITS } from "./vault-file-limits.js";

export const LOCK_OUT_FILE = "lockout.json";

/** Counts wrong passwords by caller, and bars who has too many. Kept across restarts. */
export interface UnlockAttempts {
  /** @throws {VaultProxyError} `locked_out`, or `rate_limited` for a slowed caller, with `retryAfterSeconds`. */
  check(caller: string): void;
  /** A key was derived and did not open the vault. Resolves when that is on the disk, or was logged as lost. */
  failed(caller: string): Promise<void>;
  succeeded(caller: string): Promise<void>;
}

export interface UnlockAttemptsOptions {
  readonly directory: string;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Callers that are never barred, only slowed: those who could end the process anyway. */
  readonly slowedCallers: ReadonlySet<string>;
  readonly log: Pick<Logger, "warn">;
}

interface Failures {
  readonly count: number;
  /** Milliseconds since the epoch; 0 for not barred. */
  readonly barredUntil: number;
}

const fileSchema = z.strictObject({
  version: z.literal(1),
  callers: z
    .array(z.strictObject({ caller: z.string(), failures: z.int().min(1), barred_until: z.number().min(0) }))
    .max(UNLOCK_LIMITS.rememberedCallers),
});

/** Seconds that a caller is barred after its n-th failure in a row: 30 s from the fifth on, doubling up to 32 min. */
export function lockOutSeconds(failures: number): number {
  const { failuresBeforeLockOut, firstLockOutSeconds, longestLockOutSeconds } = UNLOCK_LIMITS;
  if (failures < failuresBeforeLockOut) return 0;
  return Math.min(firstLockOutSeconds * 2 ** (failures - failuresBeforeLockOut), longestLockOutSeconds);
}

export async function openUnlockAttempts(options: UnlockAttemptsOptions): Promise<UnlockAttempts> {
  const { directory, clock, slowedCallers, log } = options;
  const failures = await load(directory, log);
  const slowedUntil = new Map<string, number>();

  const save = async () => {
    const callers = [...failures].map(([caller, { count, barredUntil }]) => ({
      caller,
      failures: count,
      barred_until: barredUntil,
    }));
    const json = JSON.stringify({ version: 1, callers });
    try {
      await replaceDurably({ directory, name: LOCK_OUT_FILE, chunks: [Buffer.from(json)] });
    } catch (error) {
      // The count still holds in memory: only a restart would forget it.
      log.warn(describeThrown(error), "failed unlock attempts could not be written to disk");
    }
  };

  return {
    check(caller) {
      const now = clock();
      // A clock that was set back must not bar anyone for longer than a lock-out lasts.
      const slowedMs = Math.min(
        (slowedUntil.get(caller) ?? 0) - now,
        UNLOCK_LIMITS.slowedCallerSeconds * 1000,
      );
      if (slowedMs > 0) throw refusal("rate_limited", "one unlock attempt a second", slowedMs);
      const known = failures.get(caller);
      if (known === undefined || slowedCallers.has(caller)) return;
      const barredMs = Math.min(known.barredUntil - now, lockOutSeconds(known.count) * 1000);
      if (barredMs > 0) throw refusal("locked_out", "too many failed unlock attempts", barredMs);
    },

    async failed(caller) {
      if (slowedCallers.has(caller)) {
        slowedUntil.set(caller, clock() + UNLOCK_LIMITS.slowedCallerSeconds * 1000);
        return;
      }
      const count = (failures.get(caller)?.count ?? 0) + 1;
      const seconds = lockOutSeconds(count);
      failures.delete(caller);
      failures.set(caller, { count, barredUntil: seconds === 0 ? 0 : clock() + seconds * 1000 });
      dropSurplus(failures);
      await save();
    },

    async succeeded(caller) {
      slowedUntil.delete(caller);
      if (failures.delete(caller)) await save();
    },
  };
}

function refusal(code: "locked_out" | "rate_limited", why: string, milliseconds: number): VaultProxyError {
  const retryAfterSeconds = Math.ceil(milliseconds / 1000);
  return new VaultProxyError(code, `${why}: try again in ${retryAfterSeconds} s`, { retryAfterSeconds });
}

/** Entries stand in the order of their last failure: the oldest that is not barred goes, or else the oldest. */
function dropSurplus(failures: Map<string, Failures>): void {
  while (failures.size > UNLOCK_LIMITS.rememberedCallers) {
    const [oldest] = failures.keys();
    const [unbarred] = [...failures].find(([, { barredUntil }]) => barredUntil === 0) ?? [oldest];
    if (unbarred === undefined) return;
    failures.delete(unbarred);
  }
}

async function load(directory: string, log: UnlockAttemptsOptions["log"]): Promise<Map<string, Failures>> {
  const bytes = await read(directory);
  if (bytes === undefined) return new Map();
  try {
    const { callers } = fileSchema.parse(JSON.parse(bytes.toString()));
    return new Map(
      callers.map(({ caller, failures, barred_until }) => [
        caller,
        { count: failures, barredUntil: barred_until },
      ]),
    );
  } catch (error) {
    log.warn(
      describeThrown(error),
      `${LOCK_OUT_FILE} cannot be read: failed unlock attempts are counted anew`,
    );
    return new Map();
  }
}

async function read(directory: string): Promise<Buffer | undefined> {
  try {
    return await readRegularFile(join(directory, LOCK_OUT_FILE), UNLOCK_LIMITS.lockOutFileBytes);
  } catch (error) {
    throw new VaultProxyError("storage_failed", `${LOCK_OUT_FILE} cannot be read`, { cause: error });
  }
}
