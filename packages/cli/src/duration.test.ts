import fc from "fast-check";
import { expect, test } from "vitest";

import { parseDuration } from "./duration.js";

test.each([
  ["0", 0],
  ["90s", 90_000],
  ["1h30m", 5_400_000],
  ["1.5s", 1500],
  ["250ms", 250],
])("%s is %d ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "5", "s", "5 s", "-5s", "5d", "5sx", "x5s"])("%j is a usage error", (text) => {
  expect(() => parseDuration(text)).toThrow("is not a duration");
});

test("whole seconds survive", () => {
  fc.assert(fc.property(fc.nat(), (seconds) => parseDuration(`${seconds}s`) === seconds * 1000));
});
