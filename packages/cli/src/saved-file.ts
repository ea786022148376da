import { randomBytes } from "node:crypto";
import { open, realpath, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";

import { CliError } from "./failures.js";
import { fileFailure } from "./file-failure.js";

/**
 * Writes a file beside its place and renames it into it, so that what breaks off leaves what was there. A file that is
 * replaced keeps its permissions; what is no regular file, such as a pipe, is written to as it is.
 * @returns the number of bytes
 * @throws CliError if it cannot be written, or whatever `chunks` throws
 */
export async function saveFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  const cannotWrite = (error: unknown): never => {
    throw fileFailure("write", path, error);
  };
  const before = await stat(path).catch(() => undefined);
  if (before?.isDirectory() === true) throw new CliError(`${path} is a folder`);
  if (before !== undefined && !before.isFile()) {
    const file = await open(path, "w").catch(cannotWrite);
    return await writeAll(file, chunks, cannotWrite);
  }
  // Through a symbolic link, which stays one.
  const place = before === undefined ? path : await realpath(path).catch(cannotWrite);
  const beside = join(dirname(place), `.vault-cli-${randomBytes(8).toString("hex")}`);
  const file = await open(beside, "wx", before === undefined ? 0o666 : 0o600).catch(cannotWrite);
  try {
    if (before !== undefined) await file.chmod(before.mode & 0o7777).catch(cannotWrite);
    const bytes = await writeAll(file, chunks, cannotWrite);
    await rename(beside, place).catch(cannotWrite);
    return bytes;
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function writeAll(
  file: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  cannotWrite: (error: unknown) => never,
): Promise<number> {
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      await file.writeFile(chunk).catch(cannotWrite);
      bytes += chunk.length;
    }
  } finally {
    await file.close().catch(cannotWrite);
  }
  return bytes;
}
