import fc from "fast-check";
import { expect, test } from "vitest";

import { fromBase64, toBase64 } from "./base64.js";

test("bytes are written as Node writes them, and come back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
      expect(fromBase64(toBase64(bytes))).toEqual(new Uint8Array(bytes));
    }),
  );
});

test("a megabyte is no more than any other bytes", () => {
  const bytes = new Uint8Array(1_000_001).fill(0xff);
  // Not by toEqual, which takes many seconds for so much.
  expect(Buffer.from(fromBase64(toBase64(bytes)) ?? []).equals(bytes)).toBe(true);
});

test.each(["!", "a", "ä", "YQ==="])("%j is no base64", (text) => {
  expect(fromBase64(text)).toBeUndefined();
});
