import { expect, test } from "vitest";

import { relativeTime, spanText } from "./relative-time.js";

const NOW = Date.parse("2030-01-01T00:00:00Z");
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  ["2030-01-01T00:00:59Z", "within 1 min"],
  ["2029-12-31T23:59:01Z", "just now"],
  ["2030-01-01T07:59:58Z", "in 8 h"],
  ["2030-01-01T00:14:59Z", "in 15 min"],
  ["2029-12-31T21:00:01Z", "3 h ago"],
  ["2030-01-08T00:00:00Z", "in 7 days"],
  ["9999-12-31T23:59:59Z", "in 2910982 days"],
  ["sometime", "sometime"],
])("%s is %s", (time, text) => {
  expect(relativeTime(time, NOW)).toBe(text);
});

test.each([
  [29 * SECOND, "less than 1 min"],
  [MINUTE, "1 min"],
  [89 * SECOND, "1 min"],
  [90 * SECOND, "2 min"],
  [HOUR, "60 min"],
  [2 * HOUR - 31 * SECOND, "119 min"],
  [2 * HOUR - 30 * SECOND, "2 h"],
  [2 * HOUR + 29 * MINUTE, "2 h"],
  [2 * HOUR + 30 * MINUTE, "3 h"],
  [8 * HOUR - SECOND, "8 h"],
  [24 * HOUR - SECOND, "24 h"],
  [2 * DAY - HOUR, "47 h"],
  [2 * DAY - SECOND, "2 days"],
  [7 * DAY - SECOND, "7 days"],
])("a span of %i ms is %s", (ms, text) => {
  expect(spanText(ms)).toBe(text);
});
