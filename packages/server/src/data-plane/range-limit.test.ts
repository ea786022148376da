import { expect, test } from "vitest";
import { RangeLimit } from "./range-limit.js";

const HOUR = 3_600_000;

test("after three guesses within an hour no part is asked for, for an hour", () => {
  const limit = new RangeLimit();
  limit.note(0);
  limit.note(10);
  expect(limit.isOpen(20)).toBe(true);
  limit.note(20);
  expect([20, HOUR, HOUR + 19, HOUR + 20].map((now) => limit.isOpen(now))).toEqual([
    false,
    false,
    false,
    true,
  ]);
  limit.note(HOUR + 30);
  limit.note(HOUR + 30);
  expect(limit.isOpen(HOUR + 30)).toBe(true);
  limit.note(HOUR + 30);
  expect(limit.isOpen(HOUR + 30)).toBe(false);
});

test("guesses that lie further apart are forgotten", () => {
  const limit = new RangeLimit();
  for (let hour = 0; hour < 10; hour += 1) limit.note((hour * HOUR) / 2);
  expect(limit.isOpen(5 * HOUR)).toBe(true);
});
