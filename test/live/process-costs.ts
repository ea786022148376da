import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const MIB_IN_KIB = 1024;
const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"]).toString());

/** The most memory that a process has had at once, in MiB: `VmHWM` of proc_pid_status(5). */
export function peakMemoryMib(pid: number): number {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(found) / MIB_IN_KIB);
}

/** The processor time that a process has taken, in ms: `utime` and `stime` of proc_pid_stat(5). */
export function processorMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

export async function timed<R>(task: () => Promise<R>): Promise<{ result: R; ms: number }> {
  const began = performance.now();
  const result = await task();
  return { result, ms: Math.round(performance.now() - began) };
}
