/** What a process and its children have taken: proc_pid_stat(5) and proc_pid_status(5). */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const MICROSECONDS = 1e6;
const KIB_PER_MB = 1e6 / 1024;

const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"]).toString());

/**
 * Processor time, user and system, of all threads of a process and of all processes below it, those that have ended and
 * were waited for included.
 *
 * @param {number} pid
 * @returns {number} Microseconds, in steps of a clock tick (10 ms).
 */
export function processorMicroseconds(pid) {
  let ticks = 0;
  for (const each of withDescendants(pid)) for (const spent of ticksOf(each)) ticks += spent;
  return (ticks * MICROSECONDS) / TICKS_PER_SECOND;
}

/** @returns {number} What the children of this process took that have ended, with theirs, in microseconds. */
export function childrenMicroseconds() {
  const [, , user = 0, system = 0] = ticksOf("self");
  return ((user + system) * MICROSECONDS) / TICKS_PER_SECOND;
}

/** @param {number} pid Resident memory, with that of its descendants, in MB. */
export function residentMb(pid) {
  return sumOfStatus(pid, "VmRSS");
}

/** @param {number} pid The most resident memory since {@link forgetPeak}, or since the start, in MB. */
export function peakMb(pid) {
  return sumOfStatus(pid, "VmHWM");
}

/** @param {number} pid */
export function forgetPeak(pid) {
  for (const each of withDescendants(pid)) writeFileSync(`/proc/${String(each)}/clear_refs`, "5");
}

/**
 * @param {number} pid
 * @param {"VmRSS" | "VmHWM"} name
 */
function sumOfStatus(pid, name) {
  let kib = 0;
  for (const each of withDescendants(pid)) {
    const text = readFileSync(`/proc/${String(each)}/status`, "utf8");
    kib += Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0);
  }
  return kib / KIB_PER_MB;
}

/**
 * @param {number | "self"} pid
 * @returns {number[]} `utime`, `stime`, `cutime`, `cstime`.
 */
function ticksOf(pid) {
  const text = readFileSync(`/proc/${String(pid)}/stat`, "utf8");
  // The name of the program, in brackets, may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).map(Number);
}

/**
 * @param {number} pid
 * @returns {number[]}
 */
function withDescendants(pid) {
  const found = [pid];
  for (const thread of readdirSync(`/proc/${String(pid)}/task`)) {
    const text = readFileSync(`/proc/${String(pid)}/task/${thread}/children`, "utf8");
    for (const child of text.split(" ").filter(Boolean)) found.push(...withDescendants(Number(child)));
  }
  return found;
}
