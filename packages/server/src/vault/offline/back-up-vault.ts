import type { BigIntStats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import type { Secret } from "../../redaction/secret.js";
import {
  BACKUP_FILE,
  GO_ORIGINAL_FILE,
  PREVIOUS_FILE,
  REPLACED_FILE,
  VAULT_FILE,
} from "../data-directory.js";
import { temporaryName } from "../durable-file.js";
import { isVaultFile, parseVaultFile } from "../format.js";
import { LOCK_FILE } from "../lock-file.js";
import { errorCodeOf } from "../storage-error.js";
import { LOCK_OUT_FILE } from "../unlock-attempts.js";
import { placeDurableCopy } from "./durable-copy.js";
import { toFrameError } from "./refusal.js";
import { readVaultBytes } from "./vault-bytes.js";
import { verifyVaultBytes, type VaultContentInfo } from "./verify-vault-file.js";

export interface BackUpRequest {
  /** The vault file. */
  readonly from: string;
  readonly to: string;
  /** The password or the recovery key; `frame only` for a job that has neither. */
  readonly check: { readonly password: Secret } | "frame only";
  /** Whether an earlier backup of that name is replaced. */
  readonly overwrite?: boolean;
  /** Ends the work early, with no copy made: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface BackUpResult {
  readonly path: string;
  readonly bytes: number;
  /** What was found in it; undefined where only the frame was checked. */
  readonly content: VaultContentInfo | undefined;
}

/** What a server writes in its data directory, and at times removes. */
const NAMES_OF_A_SERVER = new Set([
  ...[VAULT_FILE, BACKUP_FILE, PREVIOUS_FILE, GO_ORIGINAL_FILE, REPLACED_FILE, LOCK_FILE, LOCK_OUT_FILE],
  ...[VAULT_FILE, LOCK_OUT_FILE].map(temporaryName),
]);

/**
 * Copies the vault file, of a running server too: the copy is one whole version. It is verified before and after it is
 * written, and has its name only then. Without a password no more is checked than that it is whole in form: damage to
 * what is sealed goes unnoticed.
 *
 * @throws {VaultProxyError} `unauthorized` for a wrong password and a damaged vault alike; `not_found`; `conflict` where
 *   something has that name; `invalid_request` for a target that cannot be one; `storage_full`; `storage_failed`.
 */
export async function backUpVault(request: BackUpRequest): Promise<BackUpResult> {
  const { from, to, check, overwrite = false, signal } = request;
  const { bytes } = await readVaultBytes(from);
  const verify = async (copy: Buffer): Promise<VaultContentInfo | undefined> => {
    if (check === "frame only") assertFrame(from, copy);
    const content = check === "frame only" ? undefined : await verifyVaultBytes(copy, check.password);
    signal?.throwIfAborted();
    return content;
  };
  try {
    const target = await resolveTarget(from, to, overwrite);
    const content = await verify(bytes);
    await placeDurableCopy({ path: target, bytes, overwrite, verify });
    return { path: to, bytes: bytes.length, content };
  } catch (error) {
    signal?.throwIfAborted();
    throw toWriteError(to, error);
  }
}

/** A file of the Go server has no frame: without its password it cannot be told from any other bytes. */
function assertFrame(path: string, bytes: Buffer): void {
  if (!isVaultFile(bytes)) {
    throw new VaultProxyError(
      "storage_failed",
      `${path} is not recognised as a vault file; back it up with its password`,
    );
  }
  try {
    parseVaultFile(bytes);
  } catch (error) {
    throw toFrameError(path, error);
  }
}

/** Where the copy goes, without links in its directory. */
async function resolveTarget(from: string, to: string, overwrite: boolean): Promise<string> {
  const directory = await realDirectory(to);
  const target = join(directory, basename(resolve(to)));
  const found = await statIfThere(target);
  if (found?.isDirectory() === true || /[/\\]$/.test(to)) {
    throw new VaultProxyError("invalid_request", `${to} is a directory: name the file`);
  }
  await assertNotOfTheVault(from, target, found);
  if (found !== undefined && !overwrite) throw nameInUse(to);
  if (found?.isFile() === false) {
    throw new VaultProxyError("invalid_request", `${to} is no regular file`);
  }
  return target;
}

async function realDirectory(to: string): Promise<string> {
  const directory = dirname(resolve(to));
  try {
    return await realpath(directory);
  } catch (error) {
    const code = errorCodeOf(error) ?? "unknown error";
    const reason = code === "ENOENT" ? "is not there" : `cannot be reached (${code})`;
    throw new VaultProxyError("not_found", `the directory ${directory} ${reason}`, { cause: error });
  }
}

/** The vault itself under any spelling or link, and every name that a server uses in its directory. */
async function assertNotOfTheVault(
  from: string,
  target: string,
  found: BigIntStats | undefined,
): Promise<void> {
  const vault = await statIfThere(from);
  const isSameFile = vault !== undefined && found?.dev === vault.dev && found.ino === vault.ino;
  const homes = await Promise.all([realpath(dirname(resolve(from))), realpath(from).then(dirname)]);
  const isNameOfServer =
    homes.includes(dirname(target)) && NAMES_OF_A_SERVER.has(basename(target).toLowerCase());
  if (isSameFile || isNameOfServer) {
    throw new VaultProxyError(
      "invalid_request",
      `${target} belongs to the vault itself: choose another name`,
    );
  }
}

async function statIfThere(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function nameInUse(to: string): VaultProxyError {
  return new VaultProxyError("conflict", `${to} is there already`);
}

function toWriteError(to: string, error: unknown): VaultProxyError {
  if (error instanceof VaultProxyError) return error;
  const code = errorCodeOf(error);
  if (code === "EEXIST") return nameInUse(to);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new VaultProxyError("storage_full", `no room left for ${to}`, { cause: error });
  }
  return new VaultProxyError("storage_failed", `${to} cannot be written (${code ?? "unknown error"})`, {
    cause: error,
  });
}
