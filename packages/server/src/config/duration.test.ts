import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.js";

test.each([
  ["90s", 90_000],
  ["24h", 86_400_000],
  ["1h30m", 5_400_000],
  ["1.5h", 5_400_000],
  ["250ms", 250],
  ["1us", 0.001],
  ["0", 0],
  [".5s", 500],
])("%s is %d ms", (text, expected) => {
  expect(parseDuration(text)).toBeCloseTo(expected, 9);
});

test.each(["", "90", "s", "-1s", "1d", "1h 30m", "1e3s", "1..s", "infs", "1h30", `${"1".repeat(400)}h`])(
  "%s is refused",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test("any sequence of whole units is their sum, and any text gives a finite number or nothing", () => {
  fc.assert(
    fc.property(fc.nat(99), fc.nat(99), fc.nat(9999), (h, m, ms) => {
      expect(parseDuration(`${h}h${m}m${ms}ms`)).toBe(h * 3_600_000 + m * 60_000 + ms);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      const milliseconds = parseDuration(text);
      expect(milliseconds === undefined || (Number.isFinite(milliseconds) && milliseconds >= 0)).toBe(true);
    }),
  );
});

test("what is formatted reads back as the same, in whole milliseconds", () => {
  expect(formatDuration(900_000)).toBe("15m");
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 12 }), (milliseconds) => {
      expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
    }),
  );
});
