import { expect, test } from "vitest";
import { assertFits } from "./save-limits.js";

const MIB = 1024 * 1024;
const FULL = expect.objectContaining({ code: "storage_full" }) as Error;

test("a file with a segment, or of a size, that would not be read again is not written", () => {
  // Pages that nobody touches take no memory.
  const half = new Uint8Array(256 * MIB);
  expect(() => assertFits([half])).not.toThrow();
  expect(() => assertFits([new Uint8Array(256 * MIB + 1)])).toThrow(FULL);
  expect(() => assertFits([half, half])).not.toThrow();
  expect(() => assertFits([half, half, new Uint8Array(1)])).toThrow(FULL);
});
