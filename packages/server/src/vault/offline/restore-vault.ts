import type { Stats } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import type { Secret } from "../../redaction/secret.js";
import { REPLACED_FILE, VAULT_FILE, prepareDataDirectory } from "../data-directory.js";
import {
  NotARegularFileError,
  fsyncDirectory,
  openRegularFile,
  readRegularFile,
  removeDurably,
  replaceDurably,
  type FileOwner,
} from "../durable-file.js";
import { takeLock, type LockFile } from "../lock-file.js";
import { errorCodeOf } from "../storage-error.js";
import { VAULT_FILE_LIMITS } from "../vault-file-limits.js";
import { corrupted } from "./durable-copy.js";
import { readVaultBytes } from "./vault-bytes.js";
import { verifyVaultBytes, type VaultContentInfo } from "./verify-vault-file.js";

export interface RestoreRequest {
  readonly dataDir: string;
  /** The backup. */
  readonly from: string;
  /** Its password, or its recovery key. */
  readonly password: Secret;
  /** Whether what an earlier restore kept is given up. */
  readonly discardReplaced?: boolean;
  /** Told what is odd about the data directory. */
  readonly warn?: (message: string) => void;
  /** Ends the work early, with everything as it was before: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface RestoreResult {
  readonly path: string;
  readonly content: VaultContentInfo;
  /** Where the vault that stood there before is now; undefined if there was none. */
  readonly replaced: string | undefined;
}

/**
 * Puts a verified backup in the place of the vault file, by one rename, and verifies what then stands there. The vault
 * that it replaces is kept as `vault.enc.replaced`. The data directory is made if need be, and must not be in use.
 *
 * @throws {VaultProxyError} `unauthorized` for a wrong password and a damaged backup alike; `not_found`; `conflict` while
 *   a server runs there, or where an earlier restore kept something; `storage_full`; `storage_failed`.
 */
export async function restoreVault(
  request: RestoreRequest,
  readBack = readRegularFile,
): Promise<RestoreResult> {
  const { dataDir, from, password, discardReplaced = false, warn = () => undefined, signal } = request;
  const { bytes } = await readVaultBytes(from);
  const content = await verifyVaultBytes(bytes, password);
  signal?.throwIfAborted();
  await prepareDataDirectory(dataDir, { warn: (_, message) => warn(message) });
  const owner = await ownerToBe(dataDir);
  const lock = await lockFor(dataDir, owner);
  try {
    const hasVault = (await statRegularFile(dataDir, VAULT_FILE)) !== undefined;
    // It may be the only copy of the vault that was in use before two restores.
    if (hasVault && !discardReplaced && (await statRegularFile(dataDir, REPLACED_FILE)) !== undefined)
      throw alreadyKept(dataDir);
    signal?.throwIfAborted();
    await replace(dataDir, bytes, hasVault, owner);
    try {
      const written = await readBack(join(dataDir, VAULT_FILE), VAULT_FILE_LIMITS.fileBytes);
      if (written?.equals(bytes) !== true) throw corrupted(join(dataDir, VAULT_FILE));
      await verifyVaultBytes(written, password);
      signal?.throwIfAborted();
    } catch (error) {
      await putBack(dataDir, hasVault);
      signal?.throwIfAborted();
      throw toRestoreError(dataDir, error);
    }
    const replaced = hasVault ? join(dataDir, REPLACED_FILE) : undefined;
    return { path: join(dataDir, VAULT_FILE), content, replaced };
  } finally {
    await lock.release();
  }
}

async function lockFor(dataDir: string, owner: FileOwner | undefined): Promise<LockFile> {
  try {
    return await takeLock(dataDir, undefined, owner);
  } catch (error) {
    if (!(error instanceof VaultProxyError) || error.code !== "conflict") throw error;
    throw new VaultProxyError("conflict", `${error.message}: stop it first`, { cause: error });
  }
}

async function statRegularFile(dataDir: string, name: string): Promise<Stats | undefined> {
  try {
    const handle = await openRegularFile(join(dataDir, name));
    try {
      return await handle?.stat();
    } finally {
      await handle?.close();
    }
  } catch (error) {
    throw toRestoreError(dataDir, error, name);
  }
}

async function replace(
  dataDir: string,
  bytes: Buffer,
  hasVault: boolean,
  owner: FileOwner | undefined,
): Promise<void> {
  try {
    await replaceDurably({
      directory: dataDir,
      name: VAULT_FILE,
      chunks: [bytes],
      owner,
      ...(hasVault ? { keepAs: REPLACED_FILE } : {}),
    });
  } catch (error) {
    throw toRestoreError(dataDir, error);
  }
}

/**
 * Who restores as root does so for the server's user, who could not read a file of root's: whoever has the vault file,
 * or else the directory. Undefined for everybody but root.
 */
async function ownerToBe(dataDir: string): Promise<FileOwner | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const { uid, gid } = (await statRegularFile(dataDir, VAULT_FILE)) ?? (await stat(dataDir));
  return { uid, gid };
}

/** Best effort, on a disk that has just failed. */
async function putBack(dataDir: string, hasVault: boolean): Promise<void> {
  try {
    if (hasVault) {
      await rename(join(dataDir, REPLACED_FILE), join(dataDir, VAULT_FILE));
      await fsyncDirectory(dataDir);
    } else await removeDurably(dataDir, [VAULT_FILE]);
  } catch {
    // The first error is the one to report.
  }
}

function alreadyKept(dataDir: string): VaultProxyError {
  return new VaultProxyError(
    "conflict",
    `${join(dataDir, REPLACED_FILE)}, kept by an earlier restore, is still there: move it away first`,
  );
}

function toRestoreError(dataDir: string, error: unknown, name = VAULT_FILE): VaultProxyError {
  if (error instanceof VaultProxyError) return error;
  const path = join(dataDir, name);
  const cause = { cause: error };
  if (error instanceof NotARegularFileError) {
    return new VaultProxyError(
      "storage_failed",
      `${path} is no regular file: only such a one is replaced`,
      cause,
    );
  }
  const code = errorCodeOf(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new VaultProxyError("storage_full", `no room left for ${path}: nothing was changed`, cause);
  }
  return new VaultProxyError(
    "storage_failed",
    `${path} cannot be written (${code ?? "unknown error"}): nothing was changed`,
    cause,
  );
}
