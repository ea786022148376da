/**
 * Loaded into a measured program ahead of it (`--import`), which stays as it is: tells its parent what only the runtime
 * knows. Until it is asked to watch it does nothing.
 */
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";

/** The monitor looks this often, and counts from one look to the next. */
const RESOLUTION_MS = 2;
const NANOSECONDS = 1e6;

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
let collectingMs = 0;
let watchedSince = 0;
const collections = new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) collectingMs += duration;
});

/** @type {Record<string, () => object>} */
const ANSWERS = {
  watch() {
    collectingMs = 0;
    watchedSince = performance.now();
    delay.reset();
    delay.enable();
    collections.observe({ entryTypes: ["gc"] });
    return {};
  },
  watched() {
    delay.disable();
    for (const { duration } of collections.takeRecords()) collectingMs += duration;
    collections.disconnect();
    const above = (/** @type {number} */ nanoseconds) =>
      Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS);
    return {
      loopDelayP50Ms: above(delay.percentile(50)),
      loopDelayP99Ms: above(delay.percentile(99)),
      loopDelayMaxMs: above(delay.max),
      collectingShare: collectingMs / (performance.now() - watchedSince),
    };
  },
  held() {
    globalThis.gc?.();
    /** @type {Record<string, number>} */
    const resources = {};
    for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
    return { ...process.memoryUsage(), resources };
  },
};

process.on("message", (/** @type {{ probe?: string }} */ question) => {
  const answer = question.probe === undefined ? undefined : ANSWERS[question.probe];
  if (answer !== undefined) process.send?.(answer());
});
process.channel?.unref();
// Whoever started this is gone, and nobody would end it.
process.on("disconnect", () => process.exit());
