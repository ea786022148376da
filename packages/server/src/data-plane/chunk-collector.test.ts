import { expect, test } from "vitest";
import { createChunkCollector } from "./chunk-collector.js";

const PIECE_BYTES = 64 * 1024;
const MEGABYTE = 1024 * 1024;

/** How far the bytes of buffers rise while `pieces` of them come and go. */
function highestRise(countBytes: (bytes: number) => void, pieces: number): number {
  const before = process.memoryUsage().arrayBuffers;
  let highest = before;
  for (let piece = 0; piece < pieces; piece += 1) {
    Buffer.allocUnsafeSlow(PIECE_BYTES);
    countBytes(PIECE_BYTES);
    if (piece % 16 === 0) highest = Math.max(highest, process.memoryUsage().arrayBuffers);
  }
  return highest - before;
}

test("buffers that have passed do not pile up", () => {
  expect(highestRise(createChunkCollector(4 * MEGABYTE), 3200)).toBeLessThan(12 * MEGABYTE);
});
