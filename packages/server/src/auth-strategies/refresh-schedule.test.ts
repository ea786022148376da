import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import type { IssuedToken } from "./issued-token.js";
import {
  attemptDelay,
  holdOff,
  isAlive,
  isFresh,
  proactiveDelay,
  retryDelay,
  saveRetryDelay,
} from "./refresh-schedule.js";

const ISSUED = 1_800_000_000;

function tokenOf(lifetime: number): IssuedToken {
  return {
    accessToken: new Secret("t"),
    issuedAt: ISSUED,
    expiresAt: ISSUED + lifetime,
    hasLifetime: true,
  };
}

const after = (seconds: number): number => (ISSUED + seconds) * 1000;

describe("a token is used as it is", () => {
  test.each([
    [3600, 0, true],
    [3600, 3569, true],
    [3600, 3570, false],
    [3600, 3600, false],
    // 20 % of 60 s is less than 30 s.
    [60, 47, true],
    [60, 48, false],
    [1, 0, true],
    [0, 0, false],
  ])("of %i s after %i s: %s", (lifetime, elapsed, expected) => {
    expect(isFresh(tokenOf(lifetime), after(elapsed))).toBe(expected);
  });

  test("where no other can be had, to its very end", () => {
    expect(isAlive(tokenOf(60), after(59.999))).toBe(true);
    expect(isAlive(tokenOf(60), after(60))).toBe(false);
  });
});

test("a refresh ahead of time comes before the token is stale, unless it lives for seconds only", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 8 }), fc.nat(10 ** 8), (lifetime, elapsed) => {
      const token = tokenOf(lifetime);
      const delay = proactiveDelay(token, after(elapsed));
      expect(delay).toBeGreaterThanOrEqual(30_000);
      if (lifetime - elapsed > 300) expect(isFresh(token, after(elapsed) + delay)).toBe(true);
    }),
  );
});

test("waits grow, and stay within their bounds whatever comes", () => {
  const failures = fc.integer({ min: 1, max: 10_000 });
  const random = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(failures, random, fc.option(fc.nat(10 ** 7), { nil: undefined }), (count, chance, asked) => {
      expect(retryDelay(count, chance)).toBeGreaterThanOrEqual(30_000);
      expect(retryDelay(count, chance)).toBeLessThanOrEqual(300_000);
      expect(retryDelay(count + 1, chance)).toBeGreaterThanOrEqual(retryDelay(count, chance));
      expect(holdOff(count, true)).toBeLessThanOrEqual(60_000);
      expect(holdOff(count, true)).toBeGreaterThanOrEqual(2_000);
      expect(holdOff(count, false)).toBe(60_000);
      expect(attemptDelay(count, asked, chance)).toBeLessThanOrEqual(5_000);
      expect(saveRetryDelay(count)).toBeLessThanOrEqual(300_000);
    }),
  );
  expect([1, 2, 3, 4, 5].map((count) => retryDelay(count, 0))).toEqual([
    30_000, 60_000, 120_000, 240_000, 300_000,
  ]);
  expect(attemptDelay(1, 3_000, 0.5)).toBe(3_000);
});
