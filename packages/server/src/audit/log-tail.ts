import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { openRegularFile } from "../vault/durable-file.js";
import { LINE_BYTES, QUERY_LIMITS } from "./audit-limits.js";
import { piecesBackward, readRange } from "./backward-lines.js";
import { CHAIN_START, hashLine, parseLine, type ChainEnd } from "./chain.js";
import { AUDIT_FILE, logFileNames } from "./log-files.js";

/** What an earlier run left. */
export interface LogTail {
  readonly end: ChainEnd;
  /** Bytes of whole lines in `audit.jsonl`; 0 where it has none, so that it wants a header. */
  readonly wholeBytes: number;
  /** What stands behind its last whole line. */
  readonly torn: Buffer;
  /** The number of the first line of every file, oldest first. */
  readonly firstSequences: readonly number[];
  /** Whether the last whole line is none of this log's: it was changed by something else. */
  readonly isDamaged: boolean;
}

/** @throws the operating system's error, or a NotARegularFileError. */
export async function readLogTail(directory: string): Promise<LogTail> {
  const names = await logFileNames(directory);
  const firstSequences: number[] = [];
  let tail: FileTail = { end: CHAIN_START, wholeBytes: 0, torn: Buffer.alloc(0), isDamaged: false };
  let wholeBytes = 0;
  for (const name of names) {
    const handle = await openRegularFile(join(directory, name));
    if (handle === undefined) continue;
    try {
      const first = await firstSequence(handle);
      if (first !== undefined) firstSequences.push(first);
      const found = await fileTail(handle);
      const isCurrent = name === AUDIT_FILE;
      if (isCurrent) wholeBytes = found.wholeBytes;
      // A file without a line says nothing of the chain.
      if (found.wholeBytes > 0) tail = { ...found, torn: isCurrent ? found.torn : tail.torn };
      else if (isCurrent) tail = { ...tail, torn: found.torn };
    } finally {
      await handle.close();
    }
  }
  return { end: tail.end, torn: tail.torn, isDamaged: tail.isDamaged, wholeBytes, firstSequences };
}

/** Takes the torn bytes off `audit.jsonl`; they are kept in a line of their own. */
export async function cutTornLine(directory: string, wholeBytes: number): Promise<void> {
  const handle = await open(join(directory, AUDIT_FILE), constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    await handle.truncate(wholeBytes);
  } finally {
    await handle.close();
  }
}

type FileTail = Omit<LogTail, "firstSequences">;

async function fileTail(handle: FileHandle): Promise<FileTail> {
  const { size } = await handle.stat();
  let torn: Buffer | undefined;
  let wholeBytes = 0;
  let lastLine: Buffer | undefined;
  let unreadable = 0;
  for await (const { bytes, start } of piecesBackward(handle, size, QUERY_LIMITS.blockBytes)) {
    if (torn === undefined) {
      torn = bytes;
      wholeBytes = start;
      continue;
    }
    lastLine ??= bytes;
    const sequence = parseLine(bytes)?.end.sequence;
    if (sequence !== undefined) {
      const end = { sequence: sequence + unreadable, hash: hashLine(lastLine) };
      return { end, wholeBytes, torn, isDamaged: unreadable > 0 };
    }
    unreadable += 1;
  }
  // Numbers go on behind what is there, whatever it is: the verification names the first bad line.
  const hash = lastLine === undefined ? CHAIN_START.hash : hashLine(lastLine);
  const end = { sequence: unreadable, hash };
  return { end, wholeBytes, torn: torn ?? Buffer.alloc(0), isDamaged: unreadable > 0 };
}

async function firstSequence(handle: FileHandle): Promise<number | undefined> {
  const start = await readRange(handle, 0, LINE_BYTES);
  const feed = start.indexOf("\n");
  return feed < 0 ? undefined : parseLine(start.subarray(0, feed))?.end.sequence;
}
