import { expect, test } from "vitest";

import { sizeText } from "./size-text.js";

test.each([
  [0, "0 bytes"],
  [1, "1 byte"],
  [1023, "1,023 bytes"],
  [1024, "1 KiB"],
  [1025, "1.0 KiB (1,025 bytes)"],
  [64 * 1024, "64 KiB"],
  [1024 * 1024 - 1, "1.0 MiB (1,048,575 bytes)"],
  [50 * 1024 * 1024, "50 MiB"],
  [1_234_567, "1.2 MiB (1,234,567 bytes)"],
])("%d bytes are %s", (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
