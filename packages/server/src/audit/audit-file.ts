import { constants } from "node:fs";
import { open, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { NotARegularFileError, fsyncDirectory } from "../vault/durable-file.js";
import { errorCodeOf } from "../vault/storage-error.js";
import { AUDIT_FILE, logFileNames, rotatedName } from "./log-files.js";

const OWNER_ONLY = 0o600;
const BEYOND_OWNER = 0o077;
/** O_NONBLOCK: a named pipe in its place must not hold up the server. */
const FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Bytes of which some may have been written. */
export interface Unwritten {
  readonly bytes: Buffer;
  offset: number;
}

/** `audit.jsonl`, to append to. Every step can be taken again after it has failed. */
export class AuditFile {
  readonly #directory: string;
  /** That are kept, the one that is written to among them. */
  readonly #files: number;
  #handle: FileHandle | undefined;

  constructor(directory: string, files: number) {
    this.#directory = directory;
    this.#files = files;
  }

  /** Opens it, made if need be, mode 0600, regular files only. Throws the operating system's error. */
  async open(): Promise<void> {
    if (this.#handle !== undefined) return;
    const handle = await open(this.#path(AUDIT_FILE), FLAGS, OWNER_ONLY);
    try {
      const { mode } = await this.#statOf(handle);
      if ((mode & BEYOND_OWNER) !== 0) await handle.chmod(OWNER_ONLY);
      await fsyncDirectory(this.#directory);
    } catch (error) {
      await handle.close();
      throw error;
    }
    this.#handle = handle;
  }

  /**
   * Appends what is left of `unwritten`. On a full disk a part is written first: `offset` says how much, and the next
   * attempt goes on from there, so that no line is ever glued to a torn one.
   */
  async append(unwritten: Unwritten): Promise<void> {
    await this.open();
    const { bytes } = unwritten;
    while (unwritten.offset < bytes.length) {
      const { bytesWritten } = await this.#opened().write(
        bytes,
        unwritten.offset,
        bytes.length - unwritten.offset,
      );
      if (bytesWritten === 0) throw new Error("the disk takes no more bytes");
      unwritten.offset += bytesWritten;
    }
  }

  async sync(): Promise<void> {
    await this.#handle?.datasync();
  }

  /** Moves it, and every file behind it, one number on, and begins another. */
  async rotate(): Promise<void> {
    if (this.#handle === undefined) return this.open();
    await this.sync();
    let free = 1;
    while (await this.#isThere(rotatedName(free))) free += 1;
    for (let number = free; number > 1; number -= 1) {
      await rename(this.#path(rotatedName(number - 1)), this.#path(rotatedName(number)));
    }
    await rename(this.#path(AUDIT_FILE), this.#path(rotatedName(1)));
    await this.#beginAnother();
  }

  /**
   * Removes the files that are too many. Only when the header that says so is on the disk: a file that is missing without
   * that looks as if somebody had removed it.
   */
  async prune(): Promise<void> {
    await this.sync();
    const names = await logFileNames(this.#directory);
    for (const name of names.slice(0, Math.max(0, names.length - this.#files)))
      await unlink(this.#path(name));
  }

  /** Leaves a file that was moved, and begins another. */
  async reopen(): Promise<void> {
    await this.sync();
    await this.#beginAnother();
  }

  async #beginAnother(): Promise<void> {
    await this.close();
    await this.open();
  }

  /** Whether the file has been moved or removed under the server. */
  async isGone(): Promise<boolean> {
    if (this.#handle === undefined) return false;
    const ours = await this.#handle.stat({ bigint: true });
    try {
      const found = await stat(this.#path(AUDIT_FILE), { bigint: true });
      return found.ino !== ours.ino || found.dev !== ours.dev;
    } catch (error) {
      if (errorCodeOf(error) === "ENOENT") return true;
      throw error;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  #opened(): FileHandle {
    if (this.#handle === undefined) throw new Error("the audit file is not open");
    return this.#handle;
  }

  async #statOf(handle: FileHandle): Promise<{ mode: number }> {
    const found = await handle.stat();
    if (!found.isFile()) throw new NotARegularFileError("not a regular file");
    return found;
  }

  async #isThere(name: string): Promise<boolean> {
    try {
      await stat(this.#path(name));
      return true;
    } catch (error) {
      if (errorCodeOf(error) === "ENOENT") return false;
      throw error;
    }
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}
