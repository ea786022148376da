import { setTimeout as delay } from "node:timers/promises";
import { LINE_BYTES, QUERY_LIMITS } from "./audit-limits.js";
import { fits, recordedEntry, type AuditFilter, type RecordedEntry } from "./audit-query.js";
import { readRange } from "./backward-lines.js";
import { linesForward } from "./forward-lines.js";
import { closeLog, openLog, type OpenLogFile } from "./open-log.js";

export interface ReadOptions extends AuditFilter {
  /** Milliseconds since the epoch: nothing from before. */
  readonly since?: number | undefined;
}

/**
 * All entries that fit, oldest first, to export them or to learn from them. What is recorded after it began is not read.
 *
 * @throws the operating system's error.
 */
export async function* readAudit(
  directory: string,
  options: ReadOptions = {},
): AsyncGenerator<RecordedEntry> {
  const files = await openLog(directory);
  try {
    for (const file of files) {
      for await (const { entry } of entriesFrom(file, 0)) if (isAsked(entry, options)) yield entry;
    }
  } finally {
    await closeLog(files);
  }
}

/**
 * What is recorded from now on, until the signal is given: looks every `intervalMs`. A file that is rotated out meanwhile
 * is read to its end.
 *
 * @throws the operating system's error.
 */
export async function* followAudit(
  directory: string,
  options: AuditFilter & { readonly signal: AbortSignal; readonly intervalMs: number },
): AsyncGenerator<RecordedEntry> {
  const { signal, intervalMs } = options;
  /** Where reading goes on in each file, by its header: files are renamed, and their inodes used again. */
  let positions: ReadonlyMap<string, number> | undefined;
  while (!signal.aborted) {
    const files = await openLog(directory);
    try {
      const reached = new Map<string, number>();
      for (const file of files) {
        const header = await headerOf(file);
        let position = positions === undefined ? file.size : (positions.get(header) ?? 0);
        for await (const { entry, next } of entriesFrom(file, position)) {
          position = next;
          if (isAsked(entry, options)) yield entry;
        }
        reached.set(header, position);
      }
      positions = reached;
    } finally {
      await closeLog(files);
    }
    await delay(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

async function headerOf({ handle }: OpenLogFile): Promise<string> {
  const start = await readRange(handle, 0, LINE_BYTES);
  return start.subarray(0, start.indexOf("\n") + 1).toString("utf8");
}

/** The entries of whole lines. Anything else is passed over: to complain is for the verification. */
async function* entriesFrom(
  { handle, size }: OpenLogFile,
  start: number,
): AsyncGenerator<{ readonly entry: RecordedEntry; readonly next: number }> {
  const range = { start, end: size, blockBytes: QUERY_LIMITS.blockBytes, maxLineBytes: LINE_BYTES };
  for await (const { bytes, isComplete, next } of linesForward(handle, range)) {
    const entry = isComplete ? recordedEntry(bytes) : undefined;
    if (entry !== undefined) yield { entry, next };
  }
}

function isAsked(entry: RecordedEntry, { since, ...filter }: ReadOptions): boolean {
  return (since === undefined || Date.parse(entry.time) >= since) && fits(entry, filter);
}
