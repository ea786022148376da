import { randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { describeThrown, type Logger } from "../redaction/logger.js";
import type { Secret } from "../redaction/secret.js";
import type { Collection, CollectionName } from "./collection.js";
import {
  BACKUP_FILE,
  GO_ORIGINAL_FILE,
  PREVIOUS_FILE,
  VAULT_FILE,
  applyStartUpRules,
  prepareDataDirectory,
  readVaultFile,
} from "./data-directory.js";
import { createDerivationGate } from "./derivation-gate.js";
import { removeDurably, replaceDurably } from "./durable-file.js";
import { createFileStore, type FileStore } from "./file-store.js";
import { SALT_BYTES, type KdfCost } from "./header.js";
import { DEFAULT_KDF_COST, deriveKey } from "./key-derivation.js";
import { takeLock, type LockFile } from "./lock-file.js";
import { createEmptyVault, openVaultFile, type OpenedVault, type OpeningTools } from "./opened-vault.js";
import { openUnlockAttempts, type UnlockAttempts } from "./unlock-attempts.js";
import { DamagedVaultFileError, NewerVaultFormatError, WrongPasswordError } from "./vault-file-error.js";
import { PASSWORD_LIMITS, SEALS_PER_DATA_KEY, UNLOCK_LIMITS } from "./vault-file-limits.js";
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
  /**
   * Opens the vault; makes it when there is none. On an unlocked vault the password is verified all the same.
   *
   * @param caller whose failures count together, for example `uid:1000` or `unknown`.
   * @throws {VaultProxyError} `unauthorized` for a wrong password or a damaged file, which look the same;
   *   `locked_out` and `rate_limited` with `retryAfterSeconds`; `invalid_request` for a new vault's password that is
   *   too short; `storage_failed`, also where the vault file has gone since; `storage_full`.
   */
  unlock(password: Secret, caller: string): Promise<void>;
  /** Idempotent. Changes that wait are rejected with `vault_locked`, one being written ends; then keys are wiped. */
  lock(): Promise<void>;
  /** Seals everything under a new data key. Throws as {@link Vault.unlock} does, and `vault_locked`. */
  changePassword(current: Secret, next: Secret, caller: string): Promise<void>;
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

export interface VaultOptions {
  readonly dataDir: string;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  /** Callers that are never barred, only slowed to one attempt a second. */
  readonly slowedCallers?: ReadonlySet<string>;
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
  const { dataDir, log, clock = Date.now, slowedCallers = new Set<string>() } = options;
  await prepareDataDirectory(dataDir, log);
  const lockFile = await takeLock(dataDir);
  try {
    const isInitialized = await applyStartUpRules(dataDir, log);
    const attempts = await openUnlockAttempts({ directory: dataDir, clock, slowedCallers, log });
    return createVault({ dataDir, log, clock, lockFile, attempts, isInitialized, tuning });
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
  readonly tuning: VaultTuning;
}

function createVault({ dataDir, log, clock, lockFile, attempts, isInitialized, tuning }: Parts): Vault {
  const listeners = new Set<(event: VaultEvent) => void>();
  const gate = createDerivationGate(UNLOCK_LIMITS.waitingDerivations);
  const tools: OpeningTools = {
    derive: deriveKey,
    cost: tuning.kdfCost ?? DEFAULT_KDF_COST,
    breathe: nextTurn,
  };
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

  async function save(chunks: readonly Buffer[], reason: "change" | "new password"): Promise<void> {
    await lockFile.assertHeld();
    const file = { directory: dataDir, name: VAULT_FILE, chunks };
    if (reason === "change") await replaceDurably({ ...file, keepAs: BACKUP_FILE });
    // What opens with the old password is gone before the new password holds.
    else await replaceDurably({ ...file, keepAs: PREVIOUS_FILE, remove: [BACKUP_FILE, GO_ORIGINAL_FILE] });
  }

  function startSession(opened: OpenedVault): VaultSession {
    const started = new VaultSession(opened, {
      save,
      sealsPerKey: tuning.sealsPerKey ?? SEALS_PER_DATA_KEY,
      onCommitted: (collections) => {
        // A save that ends while the vault is being locked has nobody to tell.
        if (session === started && collections.size > 0) notify({ type: "changed", collections });
      },
    });
    return started;
  }

  /** Runs what derives keys: alone, and only for a caller that is not barred. */
  async function attempt(caller: string, task: () => Promise<void>): Promise<void> {
    attempts.check(caller);
    await gate.run(async () => {
      attempts.check(caller);
      await locking;
      try {
        await task();
      } catch (error) {
        if (error instanceof WrongPasswordError) await attempts.failed(caller);
        throw toCallerError(error, log);
      }
    });
  }

  async function verify(open: VaultSession, password: Secret): Promise<void> {
    const { salt, cost } = open.passwordSlot;
    const key = await tools.derive(password, salt, cost);
    const isRight = open.opensWith(key);
    key.fill(0);
    if (!isRight) throw new WrongPasswordError();
    // Locked meanwhile: the password was right, but nothing is open.
    if (session !== open) throw new VaultProxyError("vault_locked", "the vault is locked");
  }

  async function openFromDisk(password: Secret): Promise<void> {
    const bytes = await readVaultFile(dataDir);
    if (bytes === undefined && initialized) {
      throw new VaultProxyError(
        "storage_failed",
        `${VAULT_FILE} is missing: put it back, or mount the volume that holds it, and unlock again`,
      );
    }
    if (bytes === undefined) assertGoodPassword(password, "password");
    const opened =
      bytes === undefined
        ? await createEmptyVault(password, tools, new Date(clock()).toISOString())
        : await openVaultFile(bytes, password, tools);
    const started = startSession(opened);
    try {
      if (bytes === undefined) await started.change((draft) => draft.requireSave());
      if (closing !== undefined) throw new VaultProxyError("unavailable", "the server is stopping");
    } catch (error) {
      await started.close();
      throw error;
    }
    initialized = true;
    session = started;
    log.info({ generation: started.generation }, bytes === undefined ? "vault created" : "vault unlocked");
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

  async function replacePassword(open: VaultSession, next: Secret): Promise<void> {
    const derivation = { salt: randomBytes(SALT_BYTES), cost: tools.cost };
    const keyEncryptionKey = await tools.derive(next, derivation.salt, derivation.cost);
    try {
      await open.changeKey({ keyEncryptionKey, derivation });
    } catch (error) {
      keyEncryptionKey.fill(0);
      throw error;
    }
    log.info({}, "vault password changed");
    try {
      await removeDurably(dataDir, [PREVIOUS_FILE]);
    } catch (error) {
      throw new VaultProxyError(
        "storage_failed",
        `the password was changed, but ${PREVIOUS_FILE}, which opens with the old one, could not be removed`,
        { cause: error },
      );
    }
  }

  return {
    get status() {
      return session === undefined ? "locked" : "unlocked";
    },

    get initialized() {
      return initialized;
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

function assertGoodPassword(password: Secret, field: string): void {
  const text = password.reveal();
  const { minCharacters, maxBytes } = PASSWORD_LIMITS;
  if (Array.from(text.slice(0, maxBytes)).length < minCharacters) {
    throw new VaultProxyError("invalid_request", `${field}: must have at least ${minCharacters} characters`);
  }
  if (Buffer.byteLength(text) > maxBytes) {
    throw new VaultProxyError("invalid_request", `${field}: must have at most ${maxBytes} bytes`);
  }
}

function refused(cause?: unknown): VaultProxyError {
  return new VaultProxyError("unauthorized", "wrong password or damaged vault file", { cause });
}

/** One answer for a wrong password and for every kind of damage, so that nobody learns from it which it was. */
function toCallerError(error: unknown, log: Log): unknown {
  if (error instanceof WrongPasswordError) return refused(error);
  if (error instanceof DamagedVaultFileError) {
    log.warn({ reason: error.reason }, "the vault file is damaged");
    return refused(error);
  }
  if (error instanceof NewerVaultFormatError) {
    return new VaultProxyError(
      "storage_failed",
      `the vault file has format ${error.format}: it needs a vault-server that reads format ${error.format}`,
      { cause: error },
    );
  }
  return error;
}
