import { expect, test } from "vitest";

import { relativeTime } from "./relative-time.js";

const NOW = Date.parse("2030-01-01T00:00:00Z");

test.each([
  ["2030-01-01T00:00:59Z", "within 1 min"],
  ["2029-12-31T23:59:01Z", "just now"],
  ["2030-01-01T01:59:59Z", "in 119 min"],
  ["2030-01-01T02:00:00Z", "in 2 h"],
  ["2029-12-31T21:00:01Z", "2 h ago"],
  ["2030-01-02T23:59:59Z", "in 47 h"],
  ["2030-01-08T00:00:00Z", "in 7 days"],
  ["9999-12-31T23:59:59Z", "in 2910981 days"],
  ["sometime", "sometime"],
])("%s is %s", (time, text) => {
  expect(relativeTime(time, NOW)).toBe(text);
});
