import { realpath } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { NotARegularFileError, openRegularFile } from "../durable-file.js";
import { errorCodeOf } from "../storage-error.js";
import { VAULT_FILE_LIMITS } from "../vault-file-limits.js";

/** One version of a vault file: a running server replaces the file by rename, so that one handle sees one version. */
export interface VaultBytes {
  readonly bytes: Buffer;
  readonly modifiedAt: Date;
}

/**
 * Reads a file that the person at the terminal named; a link to a regular file will do.
 *
 * @throws {VaultProxyError} `not_found`; `storage_failed` for what is no regular file, too large or unreadable.
 */
export async function readVaultBytes(path: string): Promise<VaultBytes> {
  let handle: FileHandle | undefined;
  try {
    handle = await openRegularFile(await realpath(path));
    if (handle === undefined) throw noSuchFile(path);
    const { size, mtime } = await handle.stat();
    if (size > VAULT_FILE_LIMITS.fileBytes) {
      throw new VaultProxyError("storage_failed", `${path} is larger than any vault file`);
    }
    return { bytes: await handle.readFile(), modifiedAt: mtime };
  } catch (error) {
    throw toReadError(path, error);
  } finally {
    await handle?.close();
  }
}

/** So that nobody types a password for a file that is not there. Throws as {@link readVaultBytes} does. */
export async function assertFileThere(path: string): Promise<void> {
  try {
    await realpath(path);
  } catch (error) {
    throw toReadError(path, error);
  }
}

function toReadError(path: string, error: unknown): VaultProxyError {
  if (error instanceof VaultProxyError) return error;
  if (error instanceof NotARegularFileError) {
    return new VaultProxyError("storage_failed", `${path} is no regular file`, { cause: error });
  }
  const code = errorCodeOf(error);
  if (code === "ENOENT" || code === "ENOTDIR") return noSuchFile(path, error);
  return new VaultProxyError("storage_failed", `${path} cannot be read (${code ?? "unknown error"})`, {
    cause: error,
  });
}

function noSuchFile(path: string, cause?: unknown): VaultProxyError {
  return new VaultProxyError("not_found", `there is no file ${path}`, { cause });
}
