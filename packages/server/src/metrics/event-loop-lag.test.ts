import { expect, test } from "vitest";
import { watchEventLoopLag } from "./event-loop-lag.js";
import { LAG_BUCKETS } from "./metrics-limits.js";
import { PlainHistogram } from "./plain-histogram.js";

test("shows how late the timer was, and forgets what is over a minute ago", () => {
  let clock = 0;
  let tick = (): void => undefined;
  const histogram = new PlainHistogram(LAG_BUCKETS);
  const lag = watchEventLoopLag({
    histogram,
    now: () => clock,
    every(_milliseconds, task) {
      tick = task;
      return () => (tick = () => undefined);
    },
  });
  const pass = (milliseconds: number): void => {
    clock += milliseconds;
    tick();
  };
  expect(lag.recent()).toEqual({ mean: 0, max: 0 });
  pass(20);
  pass(220);
  expect(lag.recent()).toEqual({ mean: 0.1, max: 0.2 });
  for (let passed = 0; passed < 70_000; passed += 20) pass(20);
  expect(lag.recent()).toEqual({ mean: 0, max: 0 });
  lag.stop();
  const before = histogram.count;
  pass(20);
  expect(histogram.count).toBe(before);
});
