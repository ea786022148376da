/**
 * Loaded into a measured program ahead of it: samples what is allocated, also what is collected again, from one question of
 * its parent to the next.
 */
import { Session } from "node:inspector/promises";

const SAMPLED_EVERY_BYTES = 16 * 1024;

const session = new Session();
session.connect();

process.on("message", (/** @type {{ allocations?: "begin" | "end" }} */ { allocations }) => {
  if (allocations === "begin") {
    const settings = {
      samplingInterval: SAMPLED_EVERY_BYTES,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    };
    void session.post("HeapProfiler.startSampling", settings).then(() => process.send?.({}));
  }
  if (allocations === "end") {
    void session.post("HeapProfiler.stopSampling").then(({ profile }) => process.send?.(profile));
  }
});
