import { QUERY_LIMITS } from "./audit-limits.js";
import { piecesBackward } from "./backward-lines.js";
import { parseLine, type ChainEnd } from "./chain.js";
import { closeLog, openLog } from "./open-log.js";

/**
 * Whether a line that the vault remembers is in the log, as it was. Reads from the end, so that it costs as much as there
 * are lines behind it.
 */
export async function hasRememberedLine(directory: string, remembered: ChainEnd): Promise<boolean> {
  if (remembered.sequence === 0) return true;
  const files = await openLog(directory);
  try {
    for (const { handle, size } of files.toReversed()) {
      for await (const { bytes } of piecesBackward(handle, size, QUERY_LIMITS.blockBytes)) {
        const end = parseLine(bytes)?.end;
        if (end === undefined || end.sequence > remembered.sequence) continue;
        return end.sequence === remembered.sequence && end.hash === remembered.hash;
      }
    }
    return false;
  } finally {
    await closeLog(files);
  }
}
