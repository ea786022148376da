import type { AuditKey } from "./audit-key.js";
import { LINE_BYTES, QUERY_LIMITS } from "./audit-limits.js";
import { piecesBackward } from "./backward-lines.js";
import { parseLine, type ChainEnd } from "./chain.js";
import { linesForward } from "./forward-lines.js";
import { closeLog, openLog, type OpenLogFile } from "./open-log.js";
import type { TamperedLines } from "./own-lines.js";
import { createVerifier } from "./verifier.js";

export interface RecentLines {
  /** The last line that the vault knows of; of a vault that knows none, all lines are looked at. */
  readonly remembered: ChainEnd | undefined;
  /** In the order in which they came into use. */
  readonly keys: readonly AuditKey[];
  /** The number of the last line to look at. */
  readonly last: number;
}

/**
 * Whether a line that the vault remembers is in the log, as it was, and what is behind it is as a server writes it. Reads
 * from the end, so that it costs as much as there are lines behind it.
 *
 * @throws the operating system's error.
 */
export async function judgeRecentLines(
  directory: string,
  { remembered, keys, last }: RecentLines,
): Promise<"whole" | "cut off" | TamperedLines> {
  const files = await openLog(directory);
  try {
    const found = await placeOf(files, remembered);
    return found === undefined ? "cut off" : await judgeFrom(files, found, { keys, last });
  } finally {
    await closeLog(files);
  }
}

interface Place {
  readonly fileIndex: number;
  readonly start: number;
}

async function placeOf(
  files: readonly OpenLogFile[],
  remembered: ChainEnd | undefined,
): Promise<Place | undefined> {
  if (remembered === undefined || remembered.sequence === 0) return { fileIndex: 0, start: 0 };
  for (const [fileIndex, { handle, size }] of [...files.entries()].toReversed()) {
    for await (const { bytes, start } of piecesBackward(handle, size, QUERY_LIMITS.blockBytes)) {
      const end = parseLine(bytes)?.end;
      if (end === undefined || end.sequence > remembered.sequence) continue;
      const isIt = end.sequence === remembered.sequence && end.hash === remembered.hash;
      return isIt ? { fileIndex, start } : undefined;
    }
  }
  return undefined;
}

async function judgeFrom(
  files: readonly OpenLogFile[],
  { fileIndex, start }: Place,
  { keys, last }: Pick<RecentLines, "keys" | "last">,
): Promise<"whole" | TamperedLines> {
  const verifier = createVerifier({ keys, isWhole: false, passesNotices: true });
  for (const [index, { name, handle, size }] of files.entries()) {
    if (index < fileIndex) continue;
    const first = index === fileIndex ? start : 0;
    const range = { start: first, end: size, blockBytes: QUERY_LIMITS.blockBytes, maxLineBytes: LINE_BYTES };
    // Only the first line of a file is told apart by its place.
    let line = first === 0 ? 0 : 1;
    for await (const { bytes, isComplete } of linesForward(handle, range)) {
      line += 1;
      if (!isComplete && index === files.length - 1) break;
      const bad = verifier.line(bytes, { file: name, line });
      const sequence = verifier.summary().last?.sequence ?? 0;
      if (bad !== undefined) return { problem: bad.problem, behind: sequence };
      if (sequence >= last) return "whole";
    }
  }
  return "whole";
}
