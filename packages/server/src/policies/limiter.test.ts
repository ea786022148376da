import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AdmittingRule } from "./compiled-rule.js";
import { Limiter, reserveTogether, type Granted } from "./limiter.js";
import { limiterStateSchema, UNUSED } from "./limiter-state.js";
import type { LimitValues } from "./policy-decision.js";
import { POLICY_LIMITS } from "./policy-limits.js";
import { rateLimitFields } from "./rate-limit-fields.js";

const NOON = Date.parse("2026-11-22T12:00:00Z");
const DAY_MS = 86_400_000;
const HALF_DAY_SECONDS = 43_200;

const cooldown = (key: string, cooldownMs: number): AdmittingRule => ({ index: 0, key, cooldownMs });

function grant(limiter: Limiter, now: number, cooldowns: readonly AdmittingRule[] = []): Granted {
  const reservation = limiter.reserve(now, cooldowns);
  if (!reservation.granted) throw new Error(`refused by ${reservation.limit}`);
  return reservation;
}

describe("1,000 calls at once", () => {
  test.each<[string, LimitValues, readonly AdmittingRule[], number]>([
    ["requests_per_minute: 60", { requestsPerMinute: 60 }, [], 60],
    ["max_uses: 10", { maxUses: 10 }, [], 10],
    ["max_concurrent: 8", { maxConcurrent: 8 }, [], 8],
    ["cooldown: 300s", {}, [cooldown("a", 300_000)], 1],
    ["two rules with cooldown", {}, [cooldown("a", 300_000), cooldown("b", 300_000)], 2],
    ["no limit", {}, [], 1000],
    ["all limits", { requestsPerMinute: 60, maxUses: 10, maxConcurrent: 8 }, [], 8],
  ])("with %s: exactly those permitted pass", (_, limits, cooldowns, permitted) => {
    const limiter = new Limiter(limits);
    const reservations = Array.from({ length: 1000 }, () => limiter.reserve(NOON, cooldowns));
    expect(reservations.filter(({ granted }) => granted)).toHaveLength(permitted);
  });

  test("each from a task of its own, ended at random: never more than permitted at a time", async () => {
    const limiter = new Limiter({ maxConcurrent: 8 });
    let open = 0;
    let most = 0;
    let passed = 0;
    const call = async (): Promise<void> => {
      await Promise.resolve();
      const reservation = limiter.reserve(NOON);
      if (!reservation.granted) return;
      passed += 1;
      open += 1;
      most = Math.max(most, open);
      for (let turn = 0; turn < passed % 7; turn += 1) await Promise.resolve();
      open -= 1;
      reservation.release();
    };
    await Promise.all(Array.from({ length: 1000 }, call));
    expect(most).toBe(8);
    expect(passed).toBeGreaterThanOrEqual(8);
    expect(limiter.quotas(NOON)).toEqual([{ name: "concurrent", limit: 8, remaining: 8 }]);
  });
});

describe("a refusal says which limit, and when to come back", () => {
  test("requests_per_minute: when the oldest call is a minute old", () => {
    const limiter = new Limiter({ requestsPerMinute: 2 });
    grant(limiter, NOON);
    grant(limiter, NOON + 10_000);
    expect(limiter.reserve(NOON + 20_001)).toEqual({
      granted: false,
      code: "rate_limited",
      limit: "requests_per_minute",
      retryAfterSeconds: 40,
    });
    expect(limiter.reserve(NOON + 59_999)).toMatchObject({ granted: false, retryAfterSeconds: 1 });
    expect(limiter.reserve(NOON + 60_000)).toMatchObject({ granted: true });
    expect(limiter.reserve(NOON + 60_000)).toMatchObject({ granted: false, retryAfterSeconds: 10 });
  });

  test("max_uses: never", () => {
    const limiter = new Limiter({ maxUses: 1, maxConcurrent: 1, requestsPerMinute: 1 });
    grant(limiter, NOON).release();
    expect(limiter.reserve(NOON)).toMatchObject({ limit: "max_uses", retryAfterSeconds: undefined });
  });

  test("max_concurrent: soon; a second release frees nothing more", () => {
    const limiter = new Limiter({ maxConcurrent: 2 });
    const first = grant(limiter, NOON);
    grant(limiter, NOON);
    expect(limiter.reserve(NOON)).toMatchObject({ limit: "max_concurrent", retryAfterSeconds: 1 });
    first.release();
    first.release();
    grant(limiter, NOON);
    expect(limiter.reserve(NOON)).toMatchObject({ granted: false });
  });

  test("cooldown: when the first of the rules is ready again", () => {
    const limiter = new Limiter({});
    const rules = [cooldown("a", 100_000), cooldown("b", 300_000)];
    expect(grant(limiter, NOON, rules).cooldown?.key).toBe("a");
    expect(grant(limiter, NOON, rules).cooldown?.key).toBe("b");
    expect(limiter.reserve(NOON + 1, rules)).toMatchObject({ limit: "cooldown", retryAfterSeconds: 100 });
    expect(limiter.reserve(NOON + 99_999, rules)).toMatchObject({ granted: false });
    expect(grant(limiter, NOON + 100_000, rules).cooldown?.key).toBe("a");
    expect(limiter.reserve(NOON + 100_000, [cooldown("a", 1000)])).toMatchObject({ granted: false });
    expect(limiter.reserve(NOON + 100_000, []).granted).toBe(true);
  });

  test("bytes_per_day: at midnight", () => {
    const limiter = new Limiter({ bytesPerDay: 100 });
    const call = grant(limiter, NOON);
    expect(call.takeBytes(60, NOON)).toBe(true);
    expect(call.takeBytes(40, NOON)).toBe(true);
    expect(limiter.reserve(NOON)).toMatchObject({
      limit: "bytes_per_day",
      retryAfterSeconds: HALF_DAY_SECONDS,
    });
    const midnight = NOON + DAY_MS / 2;
    expect(limiter.reserve(midnight - 1)).toMatchObject({ granted: false, retryAfterSeconds: 1 });
    expect(grant(limiter, midnight).takeBytes(100, midnight)).toBe(true);
    expect(call.takeBytes(1, midnight)).toBe(false);
  });

  test("bytes that do not fit use the day up: no next call is made only to be broken off", () => {
    const limiter = new Limiter({ bytesPerDay: 100 });
    const call = grant(limiter, NOON);
    expect(call.takeBytes(60, NOON)).toBe(true);
    expect(call.takeBytes(41, NOON)).toBe(false);
    expect(call.takeBytes(1, NOON)).toBe(false);
    expect(limiter.reserve(NOON)).toMatchObject({ limit: "bytes_per_day" });
    limiter.setLimits({ bytesPerDay: 50 });
    expect(call.takeBytes(1, NOON)).toBe(false);
    limiter.setLimits({ bytesPerDay: 101 });
    expect(grant(limiter, NOON).takeBytes(2, NOON)).toBe(false);
  });

  test("of several, the one that lasts longest", () => {
    const limiter = new Limiter({ requestsPerMinute: 1, maxConcurrent: 1, bytesPerDay: 1 });
    grant(limiter, NOON, [cooldown("a", 90_000)]).takeBytes(1, NOON);
    expect(limiter.reserve(NOON)).toMatchObject({ limit: "bytes_per_day" });
    limiter.setLimits({ requestsPerMinute: 1, maxConcurrent: 1 });
    expect(limiter.reserve(NOON, [cooldown("a", 90_000)])).toMatchObject({ limit: "cooldown" });
    expect(limiter.reserve(NOON)).toMatchObject({ limit: "requests_per_minute" });
  });
});

test("what one limit refuses uses up nothing of the others", () => {
  const limits = { requestsPerMinute: 5, maxConcurrent: 1, maxUses: 5 };
  const limiter = new Limiter(limits);
  const open = grant(limiter, NOON);
  const before = [limiter.state(), limiter.quotas(NOON)];
  expect(limiter.reserve(NOON, [cooldown("a", 1000)])).toMatchObject({ limit: "max_concurrent" });
  expect([limiter.state(), limiter.quotas(NOON)]).toEqual(before);
  open.release();
  expect(grant(limiter, NOON, [cooldown("a", 1000)]).cooldown?.key).toBe("a");
});

describe("a restart", () => {
  test("keeps uses, bytes of the day and cooldowns, as plain JSON", () => {
    const limits = { maxUses: 3, bytesPerDay: 100, requestsPerMinute: 100 };
    const first = new Limiter(limits);
    grant(first, NOON, [cooldown("a", 300_000)]).takeBytes(99, NOON);
    grant(first, NOON);
    const state = limiterStateSchema.parse(JSON.parse(JSON.stringify(first.state())));
    const second = new Limiter(limits, { state });
    expect(second.reserve(NOON + 299_999, [cooldown("a", 300_000)])).toMatchObject({ limit: "cooldown" });
    const last = grant(second, NOON + 300_000, [cooldown("a", 300_000)]);
    expect(last.takeBytes(1, NOON + 300_000)).toBe(true);
    expect(last.takeBytes(1, NOON + 300_000)).toBe(false);
    expect(second.reserve(NOON + 300_000)).toMatchObject({ limit: "max_uses" });
  });

  test("keeps the calls of the latest minute, and makes nobody wait more than five seconds longer", () => {
    const limits = { requestsPerMinute: 3 };
    const first = new Limiter(limits);
    grant(first, NOON + 1000);
    grant(first, NOON + 20_000);
    const state = limiterStateSchema.parse(JSON.parse(JSON.stringify(first.state())));
    const second = new Limiter(limits, { state });
    grant(second, NOON + 21_000);
    expect(second.reserve(NOON + 61_000)).toMatchObject({
      limit: "requests_per_minute",
      retryAfterSeconds: 4,
    });
    grant(second, NOON + 65_000);
    expect(second.reserve(NOON + 79_999)).toMatchObject({ granted: false });
    grant(second, NOON + 80_000);
    // Of a changed policy too, which set no such limit for a while.
    const third = new Limiter({}, { state });
    third.setLimits({ requestsPerMinute: 2 });
    expect(third.reserve(NOON + 21_000)).toMatchObject({ granted: false });
    expect(third.reserve(NOON + 120_000)).toMatchObject({ granted: true });
  });

  test("is told of every change of what has to outlast it, and of no other", () => {
    let changes = 0;
    const limiter = new Limiter({ requestsPerMinute: 100 }, { onChange: () => (changes += 1) });
    const call = grant(limiter, NOON);
    call.takeBytes(5, NOON);
    call.release();
    expect(changes).toBe(0);
    expect(limiter.state()).toEqual({ ...UNUSED, minute: [[NOON, 1]] });
    grant(limiter, NOON, [cooldown("a", 1000)]);
    expect(changes).toBe(1);
    limiter.setLimits({ maxUses: 1, bytesPerDay: 10 });
    grant(limiter, NOON).takeBytes(5, NOON);
    expect(changes).toBe(3);
    limiter.reserve(NOON);
    expect(changes).toBe(3);
  });
});

describe("a clock that is set back", () => {
  test("by a little over midnight begins no new day; by days it does", () => {
    const midnight = NOON + DAY_MS / 2;
    const limiter = new Limiter({ bytesPerDay: 10 });
    const call = grant(limiter, midnight);
    expect(call.takeBytes(10, midnight + 1)).toBe(true);
    expect(call.takeBytes(1, midnight - 1)).toBe(false);
    expect(call.takeBytes(10, midnight - 3 * DAY_MS)).toBe(true);
  });

  test("makes nobody wait longer than a cooldown", () => {
    const limiter = new Limiter({});
    const rules = [cooldown("a", 60_000)];
    grant(limiter, NOON, rules);
    expect(limiter.reserve(NOON - DAY_MS, rules)).toMatchObject({ granted: false, retryAfterSeconds: 60 });
  });
});

test("only so many cooldowns are remembered, the latest ones", () => {
  const limiter = new Limiter({});
  const count = POLICY_LIMITS.rememberedCooldowns;
  for (let index = 0; index <= count; index += 1) grant(limiter, NOON + index, [cooldown(`r${index}`, 1e9)]);
  const { cooldowns } = limiter.state();
  expect(cooldowns).toHaveLength(count);
  expect(cooldowns[0]?.[0]).toBe("r1");
  expect(cooldowns.at(-1)?.[0]).toBe(`r${count}`);
});

test("a change of limits counts for the next call, with what was used before", () => {
  const limiter = new Limiter({ requestsPerMinute: 10, maxUses: 100 });
  for (let call = 0; call < 5; call += 1) grant(limiter, NOON);
  limiter.setLimits({ requestsPerMinute: 5, maxUses: 100 });
  expect(limiter.reserve(NOON)).toMatchObject({ limit: "requests_per_minute" });
  limiter.setLimits({ maxUses: 6 });
  grant(limiter, NOON);
  expect(limiter.reserve(NOON)).toMatchObject({ limit: "max_uses" });
});

describe("a reservation of several limiters", () => {
  test("is of all or of none", () => {
    const child = new Limiter({ maxUses: 5, maxConcurrent: 5 });
    const parent = new Limiter({ maxUses: 2, bytesPerDay: 10 });
    const parts = [
      { limiter: child, cooldowns: [cooldown("a", 1000)] },
      { limiter: parent, cooldowns: [] },
    ];
    const first = reserveTogether(parts, NOON);
    expect(first).toMatchObject({ granted: true, cooldown: { key: "a" } });
    expect(reserveTogether(parts, NOON)).toMatchObject({ granted: false, limit: "cooldown" });
    expect([child.state().uses, parent.state().uses]).toEqual([1, 1]);
    expect(reserveTogether(parts, NOON + 1000).granted).toBe(true);
    expect(reserveTogether(parts, NOON + 2000)).toMatchObject({ granted: false, limit: "max_uses" });
    expect([child.state().uses, parent.state().uses]).toEqual([2, 2]);
    if (!first.granted) return;
    expect(first.takeBytes(11, NOON)).toBe(false);
    first.release();
    expect(child.quotas(NOON)[0]).toMatchObject({ name: "concurrent", remaining: 4 });
  });
});

test("the quotas give the RateLimit fields", () => {
  const limiter = new Limiter({ requestsPerMinute: 60, maxUses: 10, bytesPerDay: 1000, maxConcurrent: 4 });
  grant(limiter, NOON).takeBytes(1, NOON);
  expect(rateLimitFields(limiter.quotas(NOON + 1500))?.RateLimit).toBe(
    '"requests";r=59;t=59, "concurrent";r=3, "uses";r=9, "bytes";r=999;t=43199',
  );
});

test("the quotas give a cooldown that is over first, while it runs and before", () => {
  const limiter = new Limiter({ maxUses: 10 });
  const rules = [cooldown("a", 90_500), cooldown("b", 60_000)];
  const fields = (now: number) => rateLimitFields(limiter.quotas(now, rules));
  expect(fields(NOON)?.RateLimit).toBe('"uses";r=10, "cooldown";r=1');
  grant(limiter, NOON, rules);
  expect(fields(NOON)?.RateLimit).toBe('"uses";r=9, "cooldown";r=1');
  grant(limiter, NOON + 40_000, rules);
  expect(fields(NOON + 41_000)).toEqual({
    "RateLimit-Policy": '"uses";q=10, "cooldown";q=1;w=91',
    RateLimit: '"uses";r=8, "cooldown";r=0;t=50',
  });
});

interface Step {
  readonly gap: number;
  readonly kind: "reserve" | "release" | "bytes";
  readonly pick: number;
}

test("it agrees with a naive model through any sequence of calls, ends and bytes", () => {
  const step: fc.Arbitrary<Step> = fc.record({
    gap: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 0, max: 30_000_000 })),
    kind: fc.constantFrom("reserve", "reserve", "release", "bytes"),
    pick: fc.nat(1000),
  });
  const limitsArbitrary = fc.record(
    {
      requestsPerMinute: fc.integer({ min: 1, max: 6 }),
      maxConcurrent: fc.integer({ min: 1, max: 4 }),
      maxUses: fc.integer({ min: 1, max: 40 }),
      bytesPerDay: fc.integer({ min: 1, max: 3000 }),
    },
    { requiredKeys: [] },
  );
  const rules = [cooldown("a", 5000), cooldown("b", 70_000)];
  fc.assert(
    fc.property(limitsArbitrary, fc.array(step, { maxLength: 120 }), (limits, steps) => {
      const limiter = new Limiter(limits);
      const calls: number[] = [];
      const uses: [string, number][] = [];
      const bytes: [number, number][] = [];
      let open: Granted[] = [];
      let now = NOON;
      for (const { gap, kind, pick } of steps) {
        now += gap;
        const today = bytes.filter(([at]) => new Date(at).getUTCDate() === new Date(now).getUTCDate());
        const isRecent = today.filter(([at]) => now - at < DAY_MS).reduce((sum, [, count]) => sum + count, 0);
        const room = (limits.bytesPerDay ?? Infinity) - isRecent;
        if (kind === "release") {
          const [first, ...rest] = open;
          first?.release();
          open = rest;
        } else if (kind === "bytes") {
          const [call] = open;
          if (call === undefined) continue;
          expect(call.takeBytes(pick, now)).toBe(pick <= room);
          // What does not fit uses the day up.
          if (limits.bytesPerDay !== undefined) bytes.push([now, Math.min(pick, room)]);
        } else {
          const wanted = pick % 3 === 0 ? rules : [];
          const ready = wanted.find(
            ({ key, cooldownMs }) => !uses.some(([used, at]) => used === key && now - at < cooldownMs),
          );
          const isAllowed =
            calls.filter((at) => now - at < 60_000).length < (limits.requestsPerMinute ?? Infinity) &&
            open.length < (limits.maxConcurrent ?? Infinity) &&
            calls.length < (limits.maxUses ?? Infinity) &&
            room > 0 &&
            (wanted.length === 0 || ready !== undefined);
          const reservation = limiter.reserve(now, wanted);
          expect(reservation.granted).toBe(isAllowed);
          if (!reservation.granted) continue;
          expect(reservation.cooldown).toEqual(ready);
          if (ready !== undefined) uses.push([ready.key, now]);
          calls.push(now);
          open.push(reservation);
        }
      }
    }),
    { numRuns: 400 },
  );
});
