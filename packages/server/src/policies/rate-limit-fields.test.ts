import { expect, test } from "vitest";
import { rateLimitFields } from "./rate-limit-fields.js";

test("the fields name each quota with its unit and window, and what is left of it", () => {
  expect(
    rateLimitFields([
      { name: "requests", limit: 60, remaining: 12, windowSeconds: 60, resetSeconds: 31 },
      { name: "concurrent", limit: 8, remaining: 0 },
      { name: "uses", limit: 1000, remaining: 1 },
      { name: "bytes", limit: 1e9, remaining: 5e8, windowSeconds: 86_400, resetSeconds: 4000 },
    ]),
  ).toEqual({
    "RateLimit-Policy":
      '"requests";q=60;w=60, "concurrent";q=8;qu="concurrent-requests", "uses";q=1000, ' +
      '"bytes";q=1000000000;qu="content-bytes";w=86400',
    RateLimit: '"requests";r=12;t=31, "concurrent";r=0, "uses";r=1, "bytes";r=500000000;t=4000',
  });
});

test("a token without limits has no fields", () => {
  expect(rateLimitFields([])).toBeUndefined();
});
