import { expect, test } from "vitest";
import { parseByteCount } from "./byte-count.js";

test.each([
  ["1GB", 1e9],
  ["500MB", 5e8],
  ["2GiB", 2 * 1024 ** 3],
  ["1.5 KB", 1500],
  ["7b", 7],
  ["1tib", 1024 ** 4],
  [1024, 1024],
  [0, 0],
])("%j is %d bytes", (value, bytes) => {
  expect(parseByteCount(value)).toBe(bytes);
});

test.each([
  "",
  "GB",
  "1",
  "-1GB",
  "1e3MB",
  "1 000MB",
  "1G",
  "1GBs",
  " 1GB",
  "999999999999999TB",
  -1,
  1.5,
  NaN,
  1e300,
])("%j is no number of bytes", (value) => {
  expect(parseByteCount(value)).toBeUndefined();
});
