import type { PlainHistogram } from "./plain-histogram.js";
import { METRICS_LIMITS } from "./metrics-limits.js";

/** How late the event loop was lately, in seconds. */
export interface RecentLag {
  readonly mean: number;
  readonly max: number;
}

export interface EventLoopLag {
  recent(): RecentLag;
  stop(): void;
}

export interface EventLoopLagParts {
  readonly histogram: PlainHistogram;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Runs a task again and again, without keeping the process alive. @returns ends that */
  readonly every: (milliseconds: number, task: () => void) => () => void;
}

interface Window {
  readonly since: number;
  count: number;
  sum: number;
  max: number;
}

/** Measures by a timer how late it fires: whatever keeps the loop busy keeps calls waiting for as long. */
export function watchEventLoopLag({ histogram, now, every }: EventLoopLagParts): EventLoopLag {
  const open = (): Window => ({ since: now(), count: 0, sum: 0, max: 0 });
  let previous = open();
  let current = open();
  let last = now();

  const stop = every(METRICS_LIMITS.lagIntervalMs, () => {
    const at = now();
    const lag = Math.max(0, at - last - METRICS_LIMITS.lagIntervalMs) / 1000;
    last = at;
    histogram.observe(lag);
    if (at - current.since >= METRICS_LIMITS.lagWindowMs) [previous, current] = [current, open()];
    current.count += 1;
    current.sum += lag;
    current.max = Math.max(current.max, lag);
  });

  return {
    recent: () => {
      const count = previous.count + current.count;
      return {
        mean: count === 0 ? 0 : (previous.sum + current.sum) / count,
        max: Math.max(previous.max, current.max),
      };
    },
    stop,
  };
}
