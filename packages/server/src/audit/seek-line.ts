import type { FileHandle } from "node:fs/promises";
import { readRange } from "./backward-lines.js";
import { SEQUENCE_BYTES, readSequence } from "./chain.js";
import type { OpenLogFile } from "./open-log.js";

const LINE_FEED = 0x0a;
/** Most lines are shorter: what is read at once to find where one begins. */
const PROBE_BYTES = 1024;
/** Ranges that are not halved any more: they are read anyway. */
const SMALL_BYTES = 64 * 1024;

/** A file, or the part of it that is at its beginning. */
export type LogFilePart = Pick<OpenLogFile, "handle" | "size">;

/**
 * What of a log's files to read backward for the lines with lower numbers than `before`: as they are, but without the
 * files, and without most of the end of a file, that have later lines only. Costs some short reads a file, however long
 * they are. Of a log whose numbers are not in order something may be missing: that is for the verification to say.
 *
 * @param files oldest first
 */
export async function linesBefore(
  files: readonly LogFilePart[],
  before: number | undefined,
): Promise<readonly LogFilePart[]> {
  if (before === undefined) return files;
  for (const [index, { handle, size }] of [...files.entries()].toReversed()) {
    const first = await lineFrom(handle, 0, size);
    if (first !== undefined && first.sequence >= before) continue;
    return [...files.slice(0, index), { handle, size: await endBefore(handle, size, before) }];
  }
  return [];
}

/** Where a line begins whose number is not lower, with few others before it; or the end of the file. */
async function endBefore(handle: FileHandle, size: number, before: number): Promise<number> {
  let end = size;
  let low = 0;
  let top = size;
  while (top - low > SMALL_BYTES) {
    const middle = Math.floor((low + top) / 2);
    const line = await lineFrom(handle, middle, top);
    if (line !== undefined && line.sequence < before) {
      low = line.start;
      continue;
    }
    // No other line begins between the middle and that one.
    if (line !== undefined) end = line.start;
    top = middle;
  }
  return end;
}

/** The first line of a log that begins at `from` or behind it, and before `top`. */
async function lineFrom(
  handle: FileHandle,
  from: number,
  top: number,
): Promise<{ readonly start: number; readonly sequence: number } | undefined> {
  // The line feed before it is looked for, too.
  for (let position = Math.max(0, from - 1); position < top; position += PROBE_BYTES) {
    const probe = await readRange(handle, position, PROBE_BYTES + SEQUENCE_BYTES);
    let start = position === 0 ? 0 : probe.indexOf(LINE_FEED) + 1;
    while (position === 0 || start > 0) {
      if (start > PROBE_BYTES || position + start >= top) break;
      const sequence = readSequence(probe.subarray(start, start + SEQUENCE_BYTES));
      if (sequence !== undefined && position + start >= from) return { start: position + start, sequence };
      const feed = probe.indexOf(LINE_FEED, start);
      if (feed < 0) break;
      start = feed + 1;
    }
  }
  return undefined;
}
