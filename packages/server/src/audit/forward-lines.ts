import type { FileHandle } from "node:fs/promises";
import { readRange } from "./backward-lines.js";

const LINE_FEED = 0x0a;

export interface ForwardLine {
  /** Without its line feed. */
  readonly bytes: Buffer;
  /** False for what stands behind the last line feed. */
  readonly isComplete: boolean;
  /** Where the line behind it begins. */
  readonly next: number;
}

/**
 * The lines of a file from `start` to `end`, block by block. A line longer than `maxLineBytes` ends the reading: it is
 * given as far as it was read.
 */
export async function* linesForward(
  handle: FileHandle,
  { start, end, blockBytes, maxLineBytes }: Record<"start" | "end" | "blockBytes" | "maxLineBytes", number>,
): AsyncGenerator<ForwardLine> {
  let rest: Buffer = Buffer.alloc(0);
  let position = start;
  while (position < end) {
    const block = await readRange(handle, position, Math.min(blockBytes, end - position));
    if (block.length === 0) break;
    position += block.length;
    const text = rest.length === 0 ? block : Buffer.concat([rest, block]);
    const textStart = position - text.length;
    let lineStart = 0;
    for (let feed = text.indexOf(LINE_FEED); feed >= 0; feed = text.indexOf(LINE_FEED, lineStart)) {
      yield { bytes: text.subarray(lineStart, feed), isComplete: true, next: textStart + feed + 1 };
      lineStart = feed + 1;
    }
    rest = text.subarray(lineStart);
    if (rest.length > maxLineBytes) break;
  }
  if (rest.length > 0) yield { bytes: rest, isComplete: rest.length > maxLineBytes, next: position };
}
