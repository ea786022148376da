import { readFile, readlink } from "node:fs/promises";
import { errorCodeOf } from "./storage-error.js";

/** Says which process, of which boot and pid namespace. What a platform does not tell is null. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat: clock ticks since boot. Tells a process from a later one of the same pid. */
  readonly startTime: string | null;
  /** Tells this boot from another: pids and start times begin anew with each. */
  readonly bootId: string | null;
  /** `pid:[…]`: in a container the first process always has pid 1. */
  readonly pidNamespace: string | null;
}

/** `elsewhere`: it is of another host, boot or pid namespace, from which no pid can be looked up here. */
export type Liveness = "alive" | "dead" | "elsewhere";

export async function ownIdentity(): Promise<ProcessIdentity> {
  const [stat, bootId, pidNamespace] = await Promise.all([
    readStat(process.pid),
    readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
      (text) => text.trim(),
      () => null,
    ),
    readlink("/proc/self/ns/pid").catch(() => null),
  ]);
  return { pid: process.pid, startTime: stat?.startTime ?? null, bootId, pidNamespace };
}

/** Whether the process of `other` still runs, seen from `self`. In doubt it does. */
export async function livenessOf(other: ProcessIdentity, self: ProcessIdentity): Promise<Liveness> {
  // Of another boot it is dead for sure only on the same host, which cannot be told: the directory may be shared.
  if (other.bootId !== self.bootId || other.pidNamespace !== self.pidNamespace) return "elsewhere";
  const stat = await readStat(other.pid);
  if (stat !== undefined) return stat.hasEnded || stat.startTime !== other.startTime ? "dead" : "alive";
  return processExists(other.pid) ? "alive" : "dead";
}

/** The fields of /proc/<pid>/stat (proc_pid_stat(5)) that matter here; undefined where there is none to read. */
async function readStat(pid: number): Promise<{ startTime: string; hasEnded: boolean } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => undefined);
  return text === undefined ? undefined : parseStat(text);
}

/** The name of the program stands in parentheses and may hold any character, so fields count from the last `)`. */
export function parseStat(text: string): { startTime: string; hasEnded: boolean } | undefined {
  const fields = text
    .slice(text.lastIndexOf(")") + 1)
    .trim()
    .split(" ");
  const state = fields[0];
  const startTime = fields[19];
  if (state === undefined || startTime === undefined) return undefined;
  // A killed process that its parent has not waited for yet is a zombie, and holds nothing any more.
  return { startTime, hasEnded: state === "Z" || state === "X" };
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCodeOf(error) !== "ESRCH";
  }
}
