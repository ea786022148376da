import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { openRegularFile } from "../vault/durable-file.js";
import { logFileNames } from "./log-files.js";

/** Files are renamed only when one is full: a second look finds them at rest. */
const ATTEMPTS = 5;

export interface OpenLogFile {
  readonly name: string;
  readonly handle: FileHandle;
  /** When it was opened. What is appended later is not part of this look at the log. */
  readonly size: number;
}

/**
 * Opens all files of a log, oldest first, as they are at one moment: a server that rotates them meanwhile changes nothing.
 * The handles are the caller's to close, with {@link closeLog}.
 *
 * @throws the operating system's error; a NotARegularFileError.
 */
export async function openLog(directory: string): Promise<readonly OpenLogFile[]> {
  for (let attempt = 1; ; attempt += 1) {
    const names = await logFileNames(directory);
    const files = await openAll(directory, names);
    if (files.length === names.length && (await haveStayed(directory, files))) return files;
    await closeLog(files);
    if (attempt === ATTEMPTS) throw new Error("the files of the audit log change all the time");
  }
}

export async function closeLog(files: readonly OpenLogFile[]): Promise<void> {
  for (const { handle } of files) await handle.close();
}

async function openAll(directory: string, names: readonly string[]): Promise<OpenLogFile[]> {
  const files: OpenLogFile[] = [];
  try {
    for (const name of names) {
      const handle = await openRegularFile(join(directory, name));
      if (handle !== undefined) files.push({ name, handle, size: (await handle.stat()).size });
    }
    return files;
  } catch (error) {
    await closeLog(files);
    throw error;
  }
}

async function haveStayed(directory: string, files: readonly OpenLogFile[]): Promise<boolean> {
  const names = await logFileNames(directory);
  if (names.length !== files.length) return false;
  for (const { name, handle } of files) {
    const again = await openRegularFile(join(directory, name));
    if (again === undefined) return false;
    try {
      if ((await again.stat()).ino !== (await handle.stat()).ino) return false;
    } finally {
      await again.close();
    }
  }
  return true;
}
