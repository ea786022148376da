import { randomBytes } from "node:crypto";
import { link, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { fsyncDirectory, hasNoLinks, readRegularFile, writeNewFile } from "../durable-file.js";
import { VAULT_FILE_LIMITS } from "../vault-file-limits.js";

export interface DurableCopy {
  readonly path: string;
  readonly bytes: Buffer;
  /** Whether a file that has this name is replaced; otherwise it stays, and the copy fails with EEXIST. */
  readonly overwrite: boolean;
  /** Rejects for bytes that must not get the name. */
  readonly verify: (bytes: Buffer) => Promise<unknown>;
}

const UNIQUE_BYTES = 8;

/**
 * Writes a file, mode 0600, that gets its name only when its bytes are on the disk and were read back and verified. If
 * the promise rejects there is no such file, or the one that was there before; but where the last step fails, the
 * syncing of the directory, the new one has its name already.
 *
 * @throws the operating system's error, or what `verify` throws.
 */
export async function placeDurableCopy(copy: DurableCopy, readBack = readRegularFile): Promise<void> {
  const { path, bytes, overwrite, verify } = copy;
  const directory = dirname(path);
  // A name of its own: two of them at the same time must not meet in one file.
  const temporary = join(directory, `.vault-copy-${randomBytes(UNIQUE_BYTES).toString("hex")}.tmp`);
  try {
    await writeNewFile(temporary, [bytes]);
    const written = await readBack(temporary, VAULT_FILE_LIMITS.fileBytes);
    if (written?.equals(bytes) !== true) throw corrupted(path);
    await verify(written);
    if (overwrite) await rename(temporary, path);
    else await renameExclusively(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await fsyncDirectory(directory);
}

/** The bytes that came back from the disk are not those that went there. */
export function corrupted(path: string): VaultProxyError {
  return new VaultProxyError("storage_failed", `${path}: the disk gives back other bytes than were written`);
}

/** Unlike `rename`, a link never takes a name that is in use. */
async function renameExclusively(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (!hasNoLinks(error)) throw error;
    // Without links the name is taken by an empty file first.
    await writeNewFile(path, []);
    await rename(temporary, path).catch(async (renameError: unknown) => {
      await unlink(path).catch(() => undefined);
      throw renameError;
    });
    return;
  }
  await unlink(temporary);
}
