import { randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { describeThrown, type Logger } from "../redaction/logger.js";
import type { Secret } from "../redaction/secret.js";
import type { Collection, CollectionName } from "./collection.js";
import { VAULT_FILE, applyStartUpRules, prepareDataDirectory } from "./data-directory.js";
import { createDerivationGate } from "./derivation-gate.js";
import { createFileStore, type FileStore } from "./file-store.js";
import { SALT_BYTES, type KdfCost } from "./header.js";
import { DEFAULT_KDF_COST, deriveKey } from "./key-derivation.js";
import { takeLock, type LockFile } from "./lock-file.js";
import {
  createEmptyVault,
  openVaultFile,
  type ImportService,
  type OpenedVault,
  type OpeningTools,
} from "./opened-vault.js";
import { assertGoodPassword } from "./password-rules.js";
import { RECOVERY_KEY_BYTES, deriveRecoverySecrets, formatRecoveryKey } from "./recovery-key.js";
import { openUnlockAttempts, type UnlockAttempts } from "./unlock-attempts.js";
import { toUnlockRefusal } from "./unlock-refusal.js";
import { WrongPasswordError } from "./vault-file-error.js";
import { SEALS_PER_DATA_KEY, UNLOCK_LIMITS } from "./vault-file-limits.js";
import { createVaultDisk } from "./vault-disk.js";
import { VaultSession } from "./vault-session.js";

export type { Collection, CollectionName } from "./collection.js";
export type { FileInfo, FileStore } from "./file-store.js";

export type VaultEvent =
  | { readonly type: "unlocked" }
  | { readonly type: "changed"; readonly collections: ReadonlySet<CollectionName | "files"> }
  | { readonly type: "locked" };

/** The one encrypted file, and what is in it while it is unlocked. Only this folder knows where state lives. */
export interface Vault {
  readonly status: "locked" | "unlocked";
  /** Whether there was a vault file when this server started, or has been one since. */
  readonly initialized: boolean;
  /** Number of saves that led to the content; undefined while locked. */
  readonly generation: number | undefined;
  /**
   * Opens the vault; makes it when there is none. On an unlocked vault the password is verified all the same. The
   * recovery key does as the password.
   *
   * @param caller whose failures count together, for example `uid:1000` or `unknown`.
   * @throws {VaultProxyError} `unauthorized` for a wrong password or a damaged file, which look the same;
   *   `locked_out` and `rate_limited` with `retryAfterSeconds`; `invalid_request` for a new vault's password that is
   *   too short; `storage_failed`, also where the vault file has gone since; `storage_full`.
   */
  unlock(password: Secret, caller: string): Promise<void>;
  /** Idempotent. Changes that wait are rejected with `vault_locked`, one being written ends; then keys are wiped. */
  lock(): Promise<void>;
  /**
   * Seals everything under a new data key. `current` may be the recovery key, which opens the vault as before. Throws
   * as {@link Vault.unlock} does, and `vault_locked`.
   */
  changePassword(current: Secret, next: Secret, caller: string): Promise<void>;
  /**
   * Makes a recovery key in place of the one before, and seals everything under a new data key. Nothing gives the key
   * again. Throws as {@link Vault.unlock} does, and `vault_locked`.
   */
  createRecoveryKey(password: Secret, caller: string): Promise<Secret>;
  collection<T extends object>(name: CollectionName): Collection<T>;
  readonly files: FileStore;
  /**
   * The listener is called synchronously after the state is swapped, and before the promise of what changed it
   * resolves.
   *
   * @returns ends the subscription.
   */
  subscribe(listener: (event: VaultEvent) => void): () => void;
  /** Locks, and gives the data directory free. The vault is of no use afterwards. */
  close(): Promise<void>;
}

type Log = Pick<Logger, "info" | "warn">;

const WHAT_WAS_OPENED: Readonly<Record<OpenedVault["source"], string>> = {
  new: "vault created",
  "format 1": "vault unlocked",
  go: "vault of the Go server unlocked: it is taken over with the next change",
};

export interface VaultOptions {
  readonly dataDir: string;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  /** Callers that are never barred, only slowed to one attempt a second. */
  readonly slowedCallers?: ReadonlySet<string>;
  /** Makes records of the services in a Go server's file; without it they are kept as they are. */
  readonly importService?: ImportService;
  /** Hears of each save of the vault file, right and wrong. Must not throw. */
  readonly onSave?: (outcome: "ok" | "failed", milliseconds: number) => void;
}

/** What tests make smaller. A server uses the defaults: they are the lowest that it may write. */
export interface VaultTuning {
  readonly kdfCost?: KdfCost;
  readonly sealsPerKey?: number;
}

/**
 * Makes the data directory if need be, takes its lock and applies the start-up rules. The vault begins locked.
 *
 * @throws {VaultProxyError} `conflict` if another server has the directory; `storage_failed`.
 */
export async function openVault(options: VaultOptions, tuning: VaultTuning = {}): Promise<Vault> {
  const { dataDir, log, clock = Date.now, slowedCallers = new Set<string>(), onSave } = options;
  await prepareDataDirectory(dataDir, log);
  const lockFile = await takeLock(dataDir);
  try {
    const isInitialized = await applyStartUpRules(dataDir, log);
    const attempts = await openUnlockAttempts({ directory: dataDir, clock, slowedCallers, log });
    const tools: OpeningTools = {
      derive: deriveKey,
      cost: tuning.kdfCost ?? DEFAULT_KDF_COST,
      breathe: nextTurn,
      importService: options.importService ?? ((name, json) => ({ name, record: json })),
      clock,
    };
    const sealsPerKey = tuning.sealsPerKey ?? SEALS_PER_DATA_KEY;
    return createVault({
      dataDir,
      log,
      clock,
      lockFile,
      attempts,
      isInitialized,
      tools,
      sealsPerKey,
      onSave,
    });
  } catch (error) {
    await lockFile.release();
    throw error;
  }
}

interface Parts {
  readonly dataDir: string;
  readonly log: Log;
  readonly clock: () => number;
  readonly lockFile: LockFile;
  readonly attempts: UnlockAttempts;
  readonly isInitialized: boolean;
  readonly tools: OpeningTools;
  readonly sealsPerKey: number;
  readonly onSave: VaultOptions["onSave"];
}

async function measured(save: () => Promise<void>, onSave: VaultOptions["onSave"]): Promise<void> {
  const startedAt = performance.now();
  let outcome: "ok" | "failed" = "failed";
  try {
    await save();
    outcome = "ok";
  } finally {
    onSave?.(outcome, performance.now() - startedAt);
  }
}

function createVault(parts: Parts): Vault {
  const { dataDir, log, clock, lockFile, attempts, isInitialized, tools, sealsPerKey } = parts;
  const disk = createVaultDisk(dataDir, lockFile, log);
  const listeners = new Set<(event: VaultEvent) => void>();
  const gate = createDerivationGate(UNLOCK_LIMITS.waitingDerivations);
  let initialized = isInitialized;
  let closing: Promise<void> | undefined;
  let session: VaultSession | undefined;
  let locking: Promise<void> | undefined;

  const openSession = (): VaultSession => {
    if (session === undefined) throw new VaultProxyError("vault_locked", "the vault is locked");
    return session;
  };

  const notify = (event: VaultEvent) => {
    for (const listener of [...listeners]) {
      try {
        listener(event);
      } catch (error) {
        log.warn({ ...describeThrown(error), event: event.type }, "a listener of the vault failed");
      }
    }
  };

  function startSession(opened: OpenedVault): VaultSession {
    const started = new VaultSession(opened, {
      save: (chunks, reason) => measured(() => disk.save(opened, chunks, reason), parts.onSave),
      sealsPerKey,
      onCommitted: (collections) => {
        // A save that ends while the vault is being locked has nobody to tell.
        if (session === started && collections.size > 0) notify({ type: "changed", collections });
      },
    });
    return started;
  }

  /** Runs what derives keys: alone, and only for a caller that is not barred. */
  async function attempt<R>(caller: string, task: () => Promise<R>): Promise<R> {
    attempts.check(caller);
    return gate.run(async () => {
      attempts.check(caller);
      await locking;
      try {
        return await task();
      } catch (error) {
        if (error instanceof WrongPasswordError) await attempts.failed(caller);
        throw toUnlockRefusal(error, log);
      }
    });
  }

  /** The key of the password slot, derived anew. The Buffer is the caller's to wipe. */
  async function derivePasswordKey(open: VaultSession, password: Secret): Promise<Buffer> {
    const { salt, cost } = open.header.passwordSlot;
    const key = await tools.derive(password, salt, cost);
    const isRight = open.opensWith(key);
    // Locked meanwhile: the password may be right, but nothing is open.
    if (isRight && session === open) return key;
    key.fill(0);
    throw isRight ? new VaultProxyError("vault_locked", "the vault is locked") : new WrongPasswordError();
  }

  async function verify(open: VaultSession, password: Secret): Promise<void> {
    if (open.opensWithRecoveryKey(password)) return;
    (await derivePasswordKey(open, password)).fill(0);
  }

  async function openFromDisk(password: Secret): Promise<void> {
    const bytes = await disk.read();
    if (bytes === undefined && initialized) {
      throw new VaultProxyError(
        "storage_failed",
        `${VAULT_FILE} is missing: put it back, or mount the volume that holds it, and unlock again`,
      );
    }
    if (bytes === undefined) assertGoodPassword(password, "password");
    const opened =
      bytes === undefined
        ? await createEmptyVault(password, tools)
        : await openVaultFile(bytes, password, tools);
    const started = startSession(opened);
    disk.opened(opened);
    try {
      if (closing !== undefined) throw new VaultProxyError("unavailable", "the server is stopping");
      if (bytes === undefined) await started.change((draft) => draft.requireSave());
    } catch (error) {
      await started.close();
      throw error;
    }
    initialized = true;
    session = started;
    log.info({ generation: started.header.generation }, WHAT_WAS_OPENED[opened.source]);
    notify({ type: "unlocked" });
  }

  function lock(): Promise<void> {
    const open = session;
    if (open === undefined) return locking ?? Promise.resolve();
    session = undefined;
    locking = open.close().then(() => {
      locking = undefined;
      log.info({}, "vault locked");
      notify({ type: "locked" });
    });
    return locking;
  }

  /** Derives the new password's key, and saves with it. */
  async function replacePassword(open: VaultSession, next: Secret): Promise<void> {
    const derivation = { salt: randomBytes(SALT_BYTES), cost: tools.cost };
    const keyEncryptionKey = await tools.derive(next, derivation.salt, derivation.cost);
    try {
      await open.changeKey({ password: { keyEncryptionKey, derivation } });
    } catch (error) {
      keyEncryptionKey.fill(0);
      throw error;
    }
    log.info({}, "vault password changed");
    await disk.removePrevious("the password was changed");
  }

  async function replaceRecoveryKey(open: VaultSession, keyEncryptionKey: Buffer): Promise<Secret> {
    const recoveryKey = randomBytes(RECOVERY_KEY_BYTES);
    const { privateKey, publicKey, psk } = deriveRecoverySecrets(recoveryKey, open.header.vaultId);
    privateKey.fill(0);
    try {
      const derivation = open.header.passwordSlot;
      await open.changeKey({ password: { keyEncryptionKey, derivation }, recovery: { publicKey, psk } });
    } catch (error) {
      keyEncryptionKey.fill(0);
      recoveryKey.fill(0);
      throw error;
    }
    log.info({}, "recovery key made");
    await disk.removePrevious("the recovery key was made");
    const printed = formatRecoveryKey(recoveryKey);
    recoveryKey.fill(0);
    return printed;
  }

  return {
    get status() {
      return session === undefined ? "locked" : "unlocked";
    },

    get initialized() {
      return initialized;
    },

    get generation() {
      return session?.header.generation;
    },

    async unlock(password, caller) {
      await attempt(caller, async () => {
        if (session === undefined) await openFromDisk(password);
        else await verify(session, password);
        await attempts.succeeded(caller);
      });
    },

    lock,

    async changePassword(current, next, caller) {
      openSession();
      assertGoodPassword(next, "new");
      await attempt(caller, async () => {
        const open = openSession();
        await verify(open, current);
        await attempts.succeeded(caller);
        await replacePassword(open, next);
      });
    },

    async createRecoveryKey(password, caller) {
      openSession();
      return attempt(caller, async () => {
        const open = openSession();
        const keyEncryptionKey = await derivePasswordKey(open, password);
        await attempts.succeeded(caller);
        return replaceRecoveryKey(open, keyEncryptionKey);
      });
    },

    collection<T extends object>(name: CollectionName): Collection<T> {
      // The vault gives back what was put in: the shape is the business of who owns the collection.
      const typed = (records: ReadonlyMap<string, object>) => records as Map<string, T>;
      return {
        get records() {
          return typed(openSession().content.collections[name]);
        },
        async change(mutate) {
          return openSession().change((draft) => draft.change(name, (records) => mutate(typed(records))));
        },
      };
    },

    files: createFileStore(openSession, clock),

    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },

    close() {
      closing ??= (async () => {
        await gate.close();
        await lock();
        await lockFile.release();
      })();
      return closing;
    },
  };
}
