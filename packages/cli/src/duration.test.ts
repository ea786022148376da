import fc from "fast-check";
import { expect, test } from "vitest";

import { goDuration, lifetime, parseDuration, pointInTime } from "./duration.js";

test.each([
  ["0", 0],
  ["90s", 90_000],
  ["1h30m", 5_400_000],
  ["1.5s", 1500],
  ["250ms", 250],
  ["7d", 604_800_000],
  ["2w", 1_209_600_000],
  ["1d12h", 129_600_000],
])("%s is %d ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "5", "s", "5 s", "-5s", "5y", "5 d", "5sx", "x5s"])("%j is a usage error", (text) => {
  expect(() => parseDuration(text)).toThrow("is not a duration");
});

test("whole seconds survive", () => {
  fc.assert(fc.property(fc.nat(), (seconds) => parseDuration(`${seconds}s`) === seconds * 1000));
});

test.each([
  ["7d", "168h"],
  ["2w", "336h"],
  ["1.5d", "36h"],
  ["0.1d", "8640000ms"],
  ["1d12h", "24h12h"],
  ["24h", "24h"],
  ["90 seconds", "90 seconds"],
  ["d", "d"],
])("%j is sent as %j", (text, sent) => {
  expect(goDuration(text)).toBe(sent);
});

test("what is sent is as long as what was written", () => {
  const term = fc.tuple(fc.nat(1000), fc.constantFrom("ms", "s", "m", "h", "d", "w"));
  fc.assert(
    fc.property(fc.array(term, { minLength: 1, maxLength: 4 }), (terms) => {
      const text = terms.map(([amount, unit]) => `${amount}${unit}`).join("");
      expect(parseDuration(goDuration(text))).toBe(parseDuration(text));
      expect(goDuration(text)).toMatch(/^(?:\d+(?:ms|s|m|h))+$/);
    }),
  );
});

test("a lifetime and a point in time are refused here where they are none", () => {
  expect(lifetime("7d")).toBe("168h");
  expect(lifetime("1.5h30m")).toBe("1.5h30m");
  for (const text of ["8x", "8", "", "-1h", "1h x"])
    expect(() => lifetime(text)).toThrow("is not a duration");
  expect(pointInTime("2030-01-31T12:00:00.5+01:00")).toBe("2030-01-31T12:00:00.5+01:00");
  for (const text of ["tomorrow", "2030-01-31", "2030-13-31T12:00:00Z", "1"]) {
    expect(() => pointInTime(text)).toThrow("is not a time");
  }
});
