import { constants } from "node:fs";
import { link, lstat, open, rename, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { errorCodeOf } from "./storage-error.js";

const OWNER_ONLY = 0o600;
/** Small pieces are written together up to this size. */
const WRITE_BYTES = 1024 * 1024;
/** What a file system without hard links answers (EPERM: FAT, some network shares; EMLINK: too many links). */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** Whose a new file is to be. Only root can give one away. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

export interface Replacement {
  readonly directory: string;
  readonly name: string;
  readonly chunks: readonly Uint8Array[];
  /** The version that is replaced stays under this name, and comes back if the replacement fails at its last step. */
  readonly keepAs?: string;
  /** Removed before the new version appears. */
  readonly remove?: readonly string[];
  /** Of the new version, if not whoever writes it. */
  readonly owner?: FileOwner | undefined;
}

/** The name under which a new version is written before it takes its place. */
export function temporaryName(name: string): string {
  return `${name}.tmp`;
}

/**
 * Replaces a file so that at every instant the old or the new version stands there complete, and the new one is on
 * the disk when the promise resolves. If it rejects, the old version is in its place.
 *
 * @throws the operating system's error.
 */
export async function replaceDurably(
  replacement: Replacement,
  syncDirectory: (directory: string) => Promise<void> = fsyncDirectory,
): Promise<void> {
  const { directory, name, keepAs } = replacement;
  const target = join(directory, name);
  const temporary = join(directory, temporaryName(name));
  await removeIfThere(temporary);
  try {
    await writeNewFile(temporary, replacement.chunks, replacement.owner);
    if (keepAs !== undefined) await keepPrevious(target, join(directory, keepAs), replacement.owner);
    for (const other of replacement.remove ?? []) await removeIfThere(join(directory, other));
    await rename(temporary, target);
  } catch (error) {
    // The first error is the one to report; a file that stays is removed by the next save or start.
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  try {
    await syncDirectory(directory);
  } catch (error) {
    if (keepAs !== undefined) await restorePrevious(target, join(directory, keepAs), temporary);
    throw error;
  }
}

/** Removes files, those that are there, and makes that last. */
export async function removeDurably(directory: string, names: readonly string[]): Promise<void> {
  for (const name of names) await removeIfThere(join(directory, name));
  await fsyncDirectory(directory);
}

/**
 * Writes a file that must not exist yet, mode 0600, and waits until its bytes are on the disk. It is given to `owner` by
 * its descriptor: whoever can write to the directory could put a link of somebody else's file in the place of its name.
 */
export async function writeNewFile(
  path: string,
  chunks: readonly Uint8Array[],
  owner?: FileOwner,
): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await open(path, flags, OWNER_ONLY);
  try {
    if (owner !== undefined) await handle.chown(owner.uid, owner.gid);
    await writeAll(handle, chunks);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A write on a full disk takes a part and reports success: the error comes only when one asks for the rest. */
export async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of joinSmall(chunks)) {
    let offset = 0;
    while (offset < chunk.length) {
      const { bytesWritten } = await handle.write(chunk, offset, chunk.length - offset);
      if (bytesWritten === 0) throw new Error("the disk takes no more bytes");
      offset += bytesWritten;
    }
  }
}

/** Makes the names in a directory last. Some file systems have no such call and say EINVAL. */
export async function fsyncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    if (errorCodeOf(error) !== "EINVAL") throw error;
  } finally {
    await handle.close();
  }
}

export class NotARegularFileError extends Error {
  override readonly name = "NotARegularFileError";
}

/** Opens a regular file to read, or gives undefined if nothing has that name. Links and devices are refused. */
export async function openRegularFile(path: string): Promise<FileHandle | undefined> {
  let handle: FileHandle;
  try {
    // O_NONBLOCK: opening a named pipe would otherwise wait for its writer.
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP" || code === "ENXIO")
      throw new NotARegularFileError("not a regular file", { cause: error });
    throw error;
  }
  try {
    if (!(await handle.stat()).isFile()) throw new NotARegularFileError("not a regular file");
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The bytes of a regular file, or undefined if there is none. A longer one than `maxBytes` is a RangeError. */
export async function readRegularFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const handle = await openRegularFile(path);
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    if (size > maxBytes) throw new RangeError("the file is too large");
    const bytes = Buffer.allocUnsafeSlow(size);
    let offset = 0;
    while (offset < size) {
      const { bytesRead } = await handle.read(bytes, offset, size - offset, offset);
      if (bytesRead === 0) break;
      offset += bytesRead;
    }
    return bytes.subarray(0, offset);
  } finally {
    await handle.close();
  }
}

/** Whether a hard link failed because the file system has none. */
export function hasNoLinks(error: unknown): boolean {
  const code = errorCodeOf(error);
  return code !== undefined && NO_LINKS.has(code);
}

async function keepPrevious(target: string, kept: string, owner: FileOwner | undefined): Promise<void> {
  // Somebody took the file away, or put a link in its place: then what is kept is the only version on the disk.
  if (!(await isFile(target))) return;
  await removeIfThere(kept);
  try {
    await link(target, kept);
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return;
    if (!hasNoLinks(error)) throw error;
    const previous = await readRegularFile(target, Number.MAX_SAFE_INTEGER);
    if (previous !== undefined) await writeNewFile(kept, [previous], owner);
  }
}

/**
 * The new version may or may not survive a power cut, and its caller is told that it failed: so the old one goes back.
 * Best effort, on a disk that has just failed.
 */
async function restorePrevious(target: string, kept: string, temporary: string): Promise<void> {
  try {
    await link(kept, temporary);
    await rename(temporary, target);
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") await unlink(target).catch(() => undefined);
    else await rename(kept, target).catch(() => undefined);
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile();
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return false;
    throw error;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errorCodeOf(error) !== "ENOENT") throw error;
  }
}

function* joinSmall(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = [];
  let size = 0;
  for (const chunk of chunks) {
    if (size > 0 && size + chunk.length > WRITE_BYTES) {
      yield Buffer.concat(small);
      small = [];
      size = 0;
    }
    if (chunk.length >= WRITE_BYTES) yield chunk;
    else {
      small.push(chunk);
      size += chunk.length;
    }
  }
  if (size > 0) yield Buffer.concat(small);
}
