import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cleanEnvironment } from "../live/processes.js";

/** What a save can concern itself with. strace's -P knows whole paths only. */
export const NAMES = [
  ...["vault.enc", "vault.enc.tmp", "vault.enc.bak", "vault.enc.previous", "vault.enc.go"],
  ...["vault.lock", "lockout.json", "lockout.json.tmp"],
];
/** `?`: not every architecture has each of them. */
export const SYSCALLS = [
  ...["open", "openat", "openat2", "close", "read", "readv", "pread64", "preadv", "getdents64"],
  ...["write", "writev", "pwrite64", "pwritev", "ftruncate", "fsync", "fdatasync", "sync_file_range"],
  ...["stat", "lstat", "fstat", "newfstatat", "statx", "chmod", "fchmod", "fchmodat", "mkdir", "mkdirat"],
  ...["link", "linkat", "rename", "renameat", "renameat2", "unlink", "unlinkat"],
]
  .map((name) => `?${name}`)
  .join();
const WRITER_MS = 60_000;
/** Stops the writer at the traced calls only. With it strace 6.1 delivers no injected signal. */
const FASTER = "--seccomp-bpf";

export const FAULTS = ["EIO", "ENOSPC", "EINTR", "SIGKILL"] as const;
export type Fault = (typeof FAULTS)[number];

export type Step = number | "unlock" | "password" | "wrong";

/** One call that the writer made on its data directory. */
export interface Call {
  /** Of the thread that made it. */
  readonly tid: string;
  readonly syscall: string;
  /** Syscall and the names within the data directory: what is the same in every run. */
  readonly signature: string;
  readonly isInjected: boolean;
  /** Whether the kernel came to answer it: not where the process was killed first. */
  readonly hasReturned: boolean;
}

/** A call to spoil: the `nth` of its syscall, from 1, on the thread that does the file work. */
export interface Point {
  /** The step that it belongs to. */
  readonly step: string;
  readonly syscall: string;
  readonly nth: number;
  readonly signature: string;
  /** How many of that thread's calls come before it. */
  readonly index: number;
}

export interface TracedRun {
  /** The calls of the thread that does the file work, in order. */
  readonly calls: readonly Call[];
  readonly wasKilled: boolean;
  /** What the writer said, a line each. */
  readonly said: readonly string[];
}

/** Runs the writer (vault-writer.mjs, bundled) to its end, with one of its calls spoilt if `spoil` says so. `work` is a directory for this run. */
export async function runTraced(
  writer: string,
  work: string,
  steps: readonly Step[],
  spoil?: { readonly point: Point; readonly fault: Fault },
): Promise<TracedRun> {
  const { trace, output } = await straceWriter(
    writer,
    work,
    steps,
    spoil === undefined ? [] : injection(spoil),
  );
  const calls = parse(readFileSync(trace, "utf8"), join(work, "data"));
  const worker = workerOf(calls);
  return {
    calls: calls.filter(({ tid }) => tid === worker),
    wasKilled: readFileSync(trace, "utf8").includes("+++ killed by SIGKILL +++"),
    said: lines(output),
  };
}

/** The points of an undisturbed run: those of "open", then those of each step, then those of "close". */
export async function pointsOf(writer: string, work: string, steps: readonly Step[]): Promise<Point[]> {
  const output = join(work, "said");
  // With the writer's own words among the calls, one sees where a step ends.
  const { trace } = await straceWriter(writer, work, steps, [FASTER, "-P", output]);
  const calls = parse(readFileSync(trace, "utf8"), join(work, "data"));
  const worker = workerOf(calls);
  const names = ["open", ...steps.map(String), "close"];
  if (lines(output).join() !== names.map((name) => `done ${name}`).join()) {
    throw new Error(`the undisturbed writer said:\n${readFileSync(output, "utf8")}`);
  }
  const points: Point[] = [];
  const counts = new Map<string, number>();
  let step = 0;
  for (const { tid, syscall, signature } of calls) {
    if (tid !== worker) {
      if (syscall === "write") step += 1;
      continue;
    }
    const nth = (counts.get(syscall) ?? 0) + 1;
    counts.set(syscall, nth);
    points.push({ step: names[step] ?? "", syscall, nth, signature, index: points.length });
  }
  return points;
}

async function straceWriter(
  writer: string,
  work: string,
  steps: readonly Step[],
  more: readonly string[],
): Promise<{ trace: string; output: string }> {
  const dataDir = join(work, "data");
  const trace = join(work, "trace");
  const output = join(work, "said");
  const paths = ["", ...NAMES].flatMap((name) => ["-P", join(dataDir, name)]);
  const said = openSync(output, "w");
  const complaints = openSync(join(work, "complaints"), "w");
  try {
    const child = spawn(
      "strace",
      [
        ...["-f", "-q", "-y", "-s", "0", "-o", trace, "-e", `trace=${SYSCALLS}`],
        ...paths,
        ...more,
        ...[process.execPath, writer, dataDir, JSON.stringify(steps)],
      ],
      {
        stdio: ["ignore", said, complaints],
        // One thread for the file work, and plain system calls: strace counts by thread and does not see a ring's.
        env: cleanEnvironment({ UV_THREADPOOL_SIZE: "1", UV_USE_IO_URING: "0" }),
      },
    );
    const timer = setTimeout(() => child.kill("SIGKILL"), WRITER_MS);
    await once(child, "close");
    clearTimeout(timer);
  } finally {
    closeSync(said);
    closeSync(complaints);
  }
  if (lines(output).length === 0) {
    const why = readFileSync(join(work, "complaints"), "utf8");
    if (!readFileSync(trace, "utf8").includes("killed by SIGKILL")) throw new Error(`nothing ran: ${why}`);
  }
  return { trace, output };
}

/** strace's arguments that spoil the call. */
export function injection({ point, fault }: { point: Point; fault: Fault }): string[] {
  const inject = (how: string): string[] => ["-e", `inject=${point.syscall}:${how}:when=${point.nth}`];
  return fault === "SIGKILL" ? inject("signal=KILL") : [FASTER, ...inject(`error=${fault}`)];
}

/** The one thread of the pool: it makes the calls on the data directory, as the main thread never does. */
export function workerOf(calls: readonly Call[]): string | undefined {
  return calls.find(({ signature }) => signature.includes("."))?.tid;
}

const STARTED = /^(\d+) +(\w+)\((.*)$/;
const RESUMED = /^(\d+) +<\.\.\. \w+ resumed>(.*)$/;

/** The calls in what strace wrote. */
export function parse(trace: string, dataDir: string): Call[] {
  const calls: Call[] = [];
  for (const line of trace.split("\n")) {
    const resumed = RESUMED.exec(line);
    if (resumed !== null) {
      const index = calls.findLastIndex(({ tid }) => tid === resumed[1]);
      const call = calls[index];
      const rest = resumed[2] ?? "";
      if (call !== undefined) calls[index] = { ...call, ...outcomeOf(rest) };
      continue;
    }
    const started = STARTED.exec(line);
    if (started === null) continue;
    const [, tid = "", syscall = "", rest = ""] = started;
    const [args = ""] = rest.split(") = ", 1);
    calls.push({
      tid,
      syscall,
      signature: `${syscall} ${namesIn(args, dataDir).join(" ")}`,
      ...outcomeOf(rest),
    });
  }
  return calls;
}

function outcomeOf(rest: string): Pick<Call, "isInjected" | "hasReturned"> {
  return { isInjected: rest.includes("(INJECTED)"), hasReturned: /\) += (-?\d|0x)/.test(rest) };
}

/** The paths within the data directory that a call names, or has open; `.` is the directory itself. */
function namesIn(args: string, dataDir: string): string[] {
  const paths = [...args.matchAll(/["<](\/[^">]*)[">]/g)].map(([, path = ""]) => path);
  return paths
    .filter((path) => path === dataDir || path.startsWith(`${dataDir}/`))
    .map((path) => (path === dataDir ? "." : path.slice(dataDir.length + 1)))
    .map((name) => name.replace(/^(vault\.lock\.).+$/, "$1NONCE"));
}

function lines(file: string): string[] {
  return readFileSync(file, "utf8").split("\n").filter(Boolean);
}
