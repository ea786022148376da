import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const COLLECT_EVERY_BYTES = 8 * 1024 * 1024;

/** Told of every piece of a body that passes. */
export type CountBytes = (bytes: number) => void;

/**
 * Frees the memory of pieces that have passed. V8 counts them little in its young generation, because their bytes lie
 * outside of its heap: left alone, it lets 50 MB (Node 20) to 100 MB (Node 24) of dead pieces pile up in a large
 * transfer. A collection of the young generation every few megabytes keeps that under 15 MB and costs no throughput
 * (measured with 100 MB downloads).
 */
export function createChunkCollector(everyBytes = COLLECT_EVERY_BYTES): CountBytes {
  const collect = youngGenerationCollector();
  let passed = 0;
  return (bytes) => {
    passed += bytes;
    if (passed < everyBytes) return;
    passed = 0;
    collect();
  };
}

/** Node gives no collector out but by this flag, which holds for contexts made while it is set. */
function youngGenerationCollector(): () => void {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("globalThis.gc");
  setFlagsFromString("--no-expose-gc");
  if (typeof gc !== "function") return () => undefined;
  const collect = gc as (options: { type: "minor" }) => void;
  return () => {
    collect({ type: "minor" });
  };
}
