import { describeThrown, type Logger } from "../redaction/logger.js";
import type { Collection } from "../vault/collection.js";
import { deriveAuditKey, newAuditSecret, type AuditKey } from "./audit-key.js";
import type { AuditLog } from "./audit-log.js";
import {
  AUDIT_SETTINGS,
  auditKeysOf,
  auditSettingsRecord,
  readAuditSettings,
  withHead,
  withNewSecret,
  type AuditSettings,
} from "./audit-settings.js";

/** A save rewrites the vault file, so that the head is not remembered more often. */
const REMEMBER_EVERY_MS = 60_000;

/** How long what ends by a lock still gets MACs. */
export const ENDING_MS = 1_000;

/** Keeps the log's key and head in the vault's settings. */
export interface AuditKeeper {
  /** The vault was unlocked: gives the log its key, and looks whether the line that the vault remembers is still there. */
  unlocked(): void;
  /** Resolves when what {@link AuditKeeper.unlocked} began has ended. Never rejects. */
  settled(): Promise<void>;
  /** Gives the keys that a task needs, and wipes them behind it: those of the lines so far; none while locked. */
  withKeys<T>(task: (keys: readonly AuditKey[]) => Promise<T>): Promise<T>;
  /** Whether lines get MACs. */
  readonly hasKey: boolean;
  /** The password was changed: makes another key for what comes. Never rejects. */
  renewKey(): Promise<void>;
  /** Lets the vault remember the last line, if it is another than before. Never rejects. */
  remember(): Promise<void>;
  /** The vault was locked: nothing more is remembered. The log loses its key when what that ends has been recorded. */
  locked(): void;
}

export interface AuditKeeperParts {
  readonly log: Pick<AuditLog, "flush" | "record" | "useKey" | "recall">;
  /** Of the vault. */
  readonly settings: Collection<object>;
  readonly randomBytes: (size: number) => Buffer;
  readonly consoleLog: Pick<Logger, "warn">;
  /** Runs a task again and again, without keeping the process alive. @returns ends that */
  readonly every: (milliseconds: number, task: () => void) => () => void;
  /** Runs a task once, without keeping the process alive. @returns forgets it */
  readonly after: (milliseconds: number, task: () => void) => () => void;
}

export function createAuditKeeper(parts: AuditKeeperParts): AuditKeeper {
  const { log, settings, randomBytes, consoleLog } = parts;
  let isUnlocked = false;
  let hasKey = false;
  let settling: Promise<void> = Promise.resolve();
  let stopRemembering: (() => void) | undefined;
  let keepKey: (() => void) | undefined;
  let rememberedSequence = 0;

  const stored = (): AuditSettings => readAuditSettings(settings.records.get(AUDIT_SETTINGS));
  const change = (make: (stored: AuditSettings) => AuditSettings): Promise<AuditSettings> =>
    settings.change((records) => {
      const changed = make(readAuditSettings(records.get(AUDIT_SETTINGS)));
      records.set(AUDIT_SETTINGS, auditSettingsRecord(changed));
      return changed;
    });

  /** The key of the last secret, if there is one. It may have been locked while that was saved. */
  function useKeyOf({ secrets }: AuditSettings): void {
    const secret = secrets.at(-1);
    if (secret === undefined || !isUnlocked) return;
    log.useKey(deriveAuditKey(secret));
    hasKey = true;
  }

  /** Makes the first key of a vault that has none. It may have been locked while that was saved. */
  async function makeKey(): Promise<void> {
    const secret = newAuditSecret(randomBytes);
    useKeyOf(await change((now) => (now.secrets.length === 0 ? withNewSecret(now, secret) : now)));
  }

  async function settle({ head }: AuditSettings): Promise<void> {
    rememberedSequence = head?.sequence ?? 0;
    stopRemembering?.();
    stopRemembering = parts.every(REMEMBER_EVERY_MS, () => void remember());
    try {
      if (!hasKey) await makeKey();
      if (!isUnlocked) return;
      await withKeys((keys) => log.recall(head, keys));
      await sayWhatIsUnrecorded();
    } catch (thrown) {
      consoleLog.warn(
        describeThrown(thrown),
        "the audit log was not compared with what the vault remembers of it",
      );
    }
  }

  async function sayWhatIsUnrecorded(): Promise<void> {
    const since = isUnlocked ? stored().unrecordedSince : undefined;
    if (since === undefined) return;
    await log.record({ action: "audit.off", decision: "allow", details: { since } });
    await log.flush();
    await change((now) => ({ ...now, unrecordedSince: undefined }));
  }

  async function withKeys<T>(task: (keys: readonly AuditKey[]) => Promise<T>): Promise<T> {
    const keys = isUnlocked ? auditKeysOf(stored()) : [];
    try {
      return await task(keys);
    } finally {
      for (const key of keys) key.destroy();
    }
  }

  async function remember(): Promise<void> {
    if (!isUnlocked) return;
    try {
      if (!hasKey) await makeKey();
      const head = await log.flush();
      if (head.sequence <= rememberedSequence) return;
      await change((now) => withHead(now, head));
      rememberedSequence = head.sequence;
    } catch (thrown) {
      consoleLog.warn(describeThrown(thrown), "the vault could not remember the end of the audit log");
    }
  }

  return {
    unlocked() {
      isUnlocked = true;
      keepKey?.();
      const found = stored();
      useKeyOf(found);
      settling = settle(found);
    },
    settled: () => settling,
    withKeys,
    get hasKey() {
      return hasKey;
    },
    async renewKey() {
      try {
        const secret = newAuditSecret(randomBytes);
        useKeyOf(await change((now) => withNewSecret(now, secret)));
      } catch (thrown) {
        consoleLog.warn(describeThrown(thrown), "the audit log goes on with the key of the password before");
      }
    },
    remember,
    locked() {
      stopRemembering?.();
      stopRemembering = undefined;
      isUnlocked = false;
      hasKey = false;
      keepKey?.();
      keepKey = parts.after(ENDING_MS, () => log.useKey(undefined));
    },
  };
}
