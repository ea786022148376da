import fc from "fast-check";
import { expect, test } from "vitest";
import { partFileName } from "./part-file-name.js";

test("the name of an unfinished upload is hidden, and tells what it will be", () => {
  expect(partFileName("config.json", "0a1b")).toBe(".config.json.0a1b.part");
});

test("the name of an unfinished upload is never longer than a name may be, and holds no half characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 }), (name) => {
      const part = partFileName(name, "0123456789ab");
      expect(Buffer.byteLength(part)).toBeLessThanOrEqual(255);
      expect(part.isWellFormed()).toBe(true);
    }),
  );
  expect(Buffer.byteLength(partFileName("x".repeat(255), "0123456789ab"))).toBe(255);
});
