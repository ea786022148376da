import { beforeEach, expect, test } from "vitest";
import { createExpiryWatch, type ExpiryWatch } from "./expiry-watch.js";
import type { TokenRecord } from "./token-record.js";

let now: number;
let timers: { readonly at: number; readonly task: () => void }[];
let expired: string[];
let watch: ExpiryWatch;
beforeEach(() => {
  now = Date.parse("2026-01-01T00:00:00Z");
  timers = [];
  expired = [];
  watch = createExpiryWatch({
    clock: () => now,
    after(milliseconds, task) {
      const timer = { at: now + milliseconds, task };
      timers.push(timer);
      return () => void (timers = timers.filter((each) => each !== timer));
    },
    onExpired: ({ digest }) => void expired.push(digest),
  });
});

const token = (digest: string, seconds: number): TokenRecord => ({
  ...{ digest, id_prefix: "tok_12345678", scope: "proxy", created_at: "" },
  expires_at: new Date(now + seconds * 1000).toISOString(),
});
function advance(seconds: number): void {
  now += seconds * 1000;
  for (let due = timers.find(({ at }) => at <= now); due !== undefined;) {
    const { task } = due;
    timers = timers.filter((timer) => timer !== due);
    task();
    due = timers.find(({ at }) => at <= now);
  }
}

test("each token is told of once, when it expires", () => {
  watch.update([token("b", 20), token("a", 10), token("c", 20)]);
  advance(9.999);
  expect(expired).toEqual([]);
  advance(0.001);
  expect(expired).toEqual(["a"]);
  advance(10);
  expect(expired).toEqual(["a", "b", "c"]);
  expect(timers).toEqual([]);
});

test("there is one timer, and it looks at the clock every minute", () => {
  watch.update([token("a", 30 * 86_400)]);
  watch.update([token("a", 30 * 86_400), token("b", 90)]);
  expect(timers.map(({ at }) => at - now)).toEqual([60_000]);
  advance(60);
  expect(timers.map(({ at }) => at - now)).toEqual([30_000]);
  expect(expired).toEqual([]);
  now += 86_400_000;
  timers[0]?.task();
  expect(expired).toEqual(["b"]);
});

test("a revoked one is not told of, one that was dropped since it had expired is", () => {
  watch.update([token("revoked", 10), token("dropped", 5), token("kept", 20)]);
  now += 6000;
  watch.update([token("kept", 14)]);
  expect(expired).toEqual(["dropped"]);
  advance(14);
  expect(expired).toEqual(["dropped", "kept"]);
});

test("one that has expired before it is watched is not told of", () => {
  watch.update([token("old", -1), token("now", 0)]);
  expect(expired).toEqual([]);
  expect(timers).toEqual([]);
});

test("nothing is told after it was cleared", () => {
  watch.update([token("a", 10)]);
  watch.clear();
  advance(10);
  expect([expired, timers]).toEqual([[], []]);
});
