import fc from "fast-check";
import { expect, test } from "vitest";
import { SlidingWindow } from "./sliding-window.js";

test("in any span of the window's length there are never more events than the limit, and never needlessly fewer", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 1100 })), {
        maxLength: 300,
      }),
      (limit, gaps) => {
        const window = new SlidingWindow(limit, 1000);
        const events: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          const inside = events.filter((time) => time > now - 1000).length;
          expect(window.remaining(now)).toBe(limit - inside);
          if (inside === limit) {
            const wait = window.untilMoreRoom(now);
            expect(wait).toBe((events.at(-limit) ?? NaN) + 1000 - now);
            expect(window.remaining(now)).toBe(0);
            expect(() => window.add(now)).toThrow(RangeError);
          } else {
            window.add(now);
            events.push(now);
          }
        }
      },
    ),
  );
});

test("a window that goes on after another, on what that told in few words, lets no more through than one would", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 100 }),
      fc.nat(100),
      (limit, gaps, restartAt) => {
        let window = new SlidingWindow(limit, 1000);
        const events: number[] = [];
        let now = 0;
        for (const [index, gap] of gaps.entries()) {
          now += gap;
          if (index === restartAt) {
            const past = window.past(100);
            expect(past.length).toBeLessThanOrEqual(12);
            window = new SlidingWindow(limit, 1000, past);
          }
          const inside = events.filter((time) => time > now - 1000).length;
          expect(window.remaining(now)).toBeLessThanOrEqual(limit - inside);
          if (events.filter((time) => time > now - 1100).length < limit) {
            expect(window.remaining(now)).toBeGreaterThan(0);
          }
          if (window.remaining(now) === 0) continue;
          window.add(now);
          events.push(now);
        }
      },
    ),
  );
});

test("a window that goes on after another keeps its first events to their time", () => {
  const first = new SlidingWindow(3, 1000);
  for (const time of [0, 0, 1]) first.add(time);
  const second = new SlidingWindow(3, 1000, first.past(100));
  expect(second.remaining(1)).toBe(0);
  expect(second.remaining(901)).toBe(0);
  expect(second.remaining(1000)).toBe(2);
});

test("a window tells of its events by the clock as it was read, which was set back meanwhile", () => {
  const window = new SlidingWindow(5, 1000);
  window.add(10_000);
  window.add(5_000);
  window.add(5_060);
  expect(window.past(100)).toEqual([
    [5000, 2],
    [5060, 1],
  ]);
});

test("a clock that is set back lets no more through, and does not stop the window for good", () => {
  const window = new SlidingWindow(2, 1000);
  window.add(10_000_000);
  window.add(10_000_900);
  expect(window.remaining(5)).toBe(0);
  expect(window.remaining(104)).toBe(0);
  expect(window.remaining(105)).toBe(1);
  expect(window.remaining(1005)).toBe(2);
});

test("a limit that is narrowed and widened again forgets nothing", () => {
  const window = new SlidingWindow(20, 1000);
  for (let time = 0; time < 20; time += 1) window.add(time);
  window.setLimit(5);
  expect(window.remaining(20)).toBe(0);
  expect(window.untilMoreRoom(20)).toBe(15 + 1000 - 20);
  expect(window.remaining(1015)).toBe(1);
  window.setLimit(20);
  expect(window.remaining(20 + 999)).toBe(20);
  for (let time = 0; time < 20; time += 1) window.add(1019);
  window.setLimit(25);
  expect(window.remaining(1500)).toBe(5);
});
