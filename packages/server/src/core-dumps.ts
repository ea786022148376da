import { writeFileSync } from "node:fs";

/** Linux core(5), "Controlling which mappings are written to the core dump". */
const COREDUMP_FILTER = "/proc/self/coredump_filter";
const NO_MAPPING = "0";

/**
 * Keeps the memory of this process, keys and credentials with it, out of core dumps. Best effort: only Linux has such a
 * filter, and a process that has changed its user may not set its own.
 *
 * @returns whether it was set.
 */
export function keepMemoryOutOfCoreDumps(filter = COREDUMP_FILTER): boolean {
  try {
    // "r+": elsewhere, where nothing has that name, no file is to be made.
    writeFileSync(filter, NO_MAPPING, { flag: "r+" });
    return true;
  } catch {
    return false;
  }
}
