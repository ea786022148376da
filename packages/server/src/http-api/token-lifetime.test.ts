import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HTTP_API_LIMITS } from "./http-api-limits.js";
import { expiryOf } from "./token-lifetime.js";

const now = Date.parse("2026-01-01T00:00:00Z");
const day = 86_400_000;

describe("when a token expires", () => {
  test("is after the default if nothing is said", () => {
    expect(expiryOf({}, now, day)).toBe(now + day);
  });

  test("is after the ttl, or at the time given in any zone", () => {
    expect(expiryOf({ ttl: "90s" }, now, day)).toBe(now + 90_000);
    expect(expiryOf({ expires_at: "2026-01-01T03:00:00+02:00" }, now, day)).toBe(now + 3_600_000);
  });

  test("is at least a millisecond away", () => {
    expect(expiryOf({ ttl: "1ns" }, now, day)).toBe(now + 1);
  });

  test.each([
    [{ ttl: "0" }, /^ttl: must be a duration above 0/],
    [{ ttl: "0s" }, /^ttl: must be a duration above 0/],
    [{ ttl: "-1h" }, /^ttl: must be a duration above 0/],
    [{ ttl: "1d" }, /^ttl: must be a duration above 0/],
    [{ ttl: "" }, /^ttl: must be a duration above 0/],
    [{ ttl: "99999999h" }, /^ttl: must be at most ten years away$/],
    [{ expires_at: "2026-01-01T00:00:00Z" }, /^expires_at: must be in the future$/],
    [{ expires_at: "2025-12-31T23:59:59Z" }, /^expires_at: must be in the future$/],
    [{ expires_at: "soon" }, /^expires_at: must be in the future$/],
    [{ expires_at: "2046-01-01T00:00:00Z" }, /^expires_at: must be at most ten years away$/],
    [{ ttl: "1h", expires_at: "2026-06-01T00:00:00Z" }, /^expires_at: must not be given together with ttl$/],
  ])("is refused for %j", (request, message) => {
    expect(() => expiryOf(request, now, day)).toThrow(message);
  });

  test("is never past and never beyond ten years, whatever is asked", () => {
    const request = fc.record(
      {
        ttl: fc.oneof(
          fc.string(),
          fc.nat().map((count) => `${count}h`),
        ),
        expires_at: fc.string(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(request, (asked) => {
        let expiresAt: number;
        try {
          expiresAt = expiryOf(asked, now, day);
        } catch (error) {
          expect(error).toHaveProperty("code", "invalid_request");
          return;
        }
        expect(expiresAt).toBeGreaterThan(now);
        expect(expiresAt).toBeLessThanOrEqual(now + HTTP_API_LIMITS.tokenLifetimeMs);
        expect(Number.isInteger(expiresAt)).toBe(true);
      }),
    );
  });
});
