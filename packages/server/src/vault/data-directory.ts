import { lstat, mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Logger } from "../redaction/logger.js";
import {
  NotARegularFileError,
  openRegularFile,
  readRegularFile,
  removeDurably,
  temporaryName,
} from "./durable-file.js";
import { errorCodeOf } from "./storage-error.js";
import { LOCK_OUT_FILE } from "./unlock-attempts.js";
import { VAULT_FILE_LIMITS } from "./vault-file-limits.js";

export const VAULT_FILE = "vault.enc";
/** The version before the last save. */
export const BACKUP_FILE = "vault.enc.bak";
/** Where the version before a password change stands until the new one is on the disk. It opens with the old password. */
export const PREVIOUS_FILE = "vault.enc.previous";
/** The original of a vault that was taken over from the Go server. */
export const GO_ORIGINAL_FILE = "vault.enc.go";
/** The vault that a restored backup took the place of. */
export const REPLACED_FILE = "vault.enc.replaced";

const PRIVATE_FILES = [
  ...[VAULT_FILE, BACKUP_FILE, PREVIOUS_FILE, GO_ORIGINAL_FILE, REPLACED_FILE],
  LOCK_OUT_FILE,
];
const EARLIER_VERSIONS = [BACKUP_FILE, PREVIOUS_FILE, REPLACED_FILE, GO_ORIGINAL_FILE];

const OWNER_ONLY = 0o600;
const BEYOND_OWNER = 0o077;
const WRITABLE_BY_OTHERS = 0o022;

type Log = Pick<Logger, "warn">;

/** Makes the directory, mode 0700, and warns about one that other users can change. */
export async function prepareDataDirectory(directory: string, log: Log): Promise<void> {
  try {
    await makeDirectory(directory);
    const { uid, mode } = await stat(directory);
    const own = process.geteuid?.();
    if (own !== undefined && uid !== own)
      log.warn({ directory, uid }, "the data directory belongs to another user");
    // Not narrowed: the directory may be a volume, or hold a socket that others are meant to reach.
    if ((mode & WRITABLE_BY_OTHERS) !== 0)
      log.warn({ directory }, "other users can write to the data directory");
  } catch (error) {
    const code = errorCodeOf(error) ?? "unknown error";
    throw new VaultProxyError(
      "storage_failed",
      `the data directory ${directory} cannot be made or read (${code})`,
      {
        cause: error,
      },
    );
  }
}

/** Not `mkdir` with `recursive`: that never ends where a parent is there but takes no directories, as in /proc. */
async function makeDirectory(path: string): Promise<void> {
  if (await isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeDirectory(parent);
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (errorCodeOf(error) !== "EEXIST" || !(await isDirectory(path))) throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/**
 * What holds before the vault file is used, once the lock is held: regular files only, no wider than 0600, nothing
 * left over from a save that was cut short, and never a new vault where one was lost.
 *
 * @returns whether there is a vault file.
 * @throws {VaultProxyError} `storage_failed`
 */
export async function applyStartUpRules(directory: string, log: Log): Promise<boolean> {
  for (const name of PRIVATE_FILES) await narrow(directory, name, log);
  // First this look, which refuses where the previous version is the only one.
  const isInitialized = await hasVaultFile(directory);
  const leftOvers = [temporaryName(VAULT_FILE), temporaryName(LOCK_OUT_FILE), PREVIOUS_FILE];
  try {
    await removeDurably(directory, leftOvers);
  } catch (error) {
    throw new VaultProxyError("storage_failed", "left-over files in the data directory cannot be removed", {
      cause: error,
    });
  }
  return isInitialized;
}

/** @throws {VaultProxyError} `storage_failed` when the vault file is gone but an earlier version of it is there. */
export async function hasVaultFile(directory: string): Promise<boolean> {
  if (await isThere(directory, VAULT_FILE)) return true;
  for (const name of EARLIER_VERSIONS) {
    if (await isThere(directory, name)) {
      throw new VaultProxyError(
        "storage_failed",
        `${VAULT_FILE} is missing, but ${name}, an earlier version of it, is there. ` +
          `To go on with that version, run in the data directory: cp -p ${name} ${VAULT_FILE}`,
      );
    }
  }
  return false;
}

/**
 * Tells the vault file that stands there now from any other, or undefined if there is none: a save puts a new one in its
 * place each time.
 */
export async function vaultFileIdentity(directory: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs } = await lstat(join(directory, VAULT_FILE), { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}`;
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return undefined;
    throw unreadable(VAULT_FILE, error);
  }
}

/** The bytes of the vault file, or undefined if there is none yet. */
export async function readVaultFile(directory: string): Promise<Buffer | undefined> {
  if (!(await hasVaultFile(directory))) return undefined;
  try {
    return await readRegularFile(join(directory, VAULT_FILE), VAULT_FILE_LIMITS.fileBytes);
  } catch (error) {
    throw unreadable(VAULT_FILE, error);
  }
}

async function isThere(directory: string, name: string): Promise<boolean> {
  try {
    const handle = await openRegularFile(join(directory, name));
    await handle?.close();
    return handle !== undefined;
  } catch (error) {
    throw unreadable(name, error);
  }
}

async function narrow(directory: string, name: string, log: Log): Promise<void> {
  try {
    const handle = await openRegularFile(join(directory, name));
    if (handle === undefined) return;
    try {
      const { mode, uid } = await handle.stat();
      const own = process.geteuid?.();
      if (own !== undefined && uid !== own) {
        // Not narrowed: who can write here may have linked a file of somebody else's.
        log.warn({ file: name, uid }, "a vault file belongs to another user");
        return;
      }
      if ((mode & BEYOND_OWNER) !== 0) {
        log.warn(
          { file: name, mode: (mode & 0o777).toString(8) },
          "other users could read a vault file: narrowed to 600",
        );
        await handle.chmod(OWNER_ONLY);
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unreadable(name, error);
  }
}

function unreadable(name: string, error: unknown): VaultProxyError {
  const cause = { cause: error };
  if (error instanceof NotARegularFileError) {
    return new VaultProxyError(
      "storage_failed",
      `${name} is a link or device: only a regular file is accepted`,
      cause,
    );
  }
  if (error instanceof RangeError) {
    return new VaultProxyError("storage_failed", `${name} is larger than any vault file`, cause);
  }
  const code = errorCodeOf(error);
  if (code === "EACCES" || code === "EPERM") {
    return new VaultProxyError(
      "storage_failed",
      `${name} belongs to another user: run the server as its owner`,
      cause,
    );
  }
  return new VaultProxyError("storage_failed", `${name} cannot be read`, cause);
}
