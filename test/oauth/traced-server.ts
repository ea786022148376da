import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  injection,
  NAMES,
  parse,
  SYSCALLS,
  workerOf,
  type Call,
  type Point,
} from "../durability/traced-writer.js";

const ATTACHED_WITHIN_MS = 10_000;
const ENDED_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 5;

/** Environment of a server that can be traced: one thread for the file work, and plain system calls. */
export const TRACEABLE = { UV_THREADPOOL_SIZE: "1", UV_USE_IO_URING: "0" } as const;

/** strace, attached to a server that runs already, so that only what comes from now on is seen and counted. */
export interface Tracer {
  /** Lets go of the server, if that has not gone, and gives the calls on the data directory of the thread that makes them. */
  detach(): Promise<{ calls: readonly Call[]; wasKilled: boolean }>;
}

/**
 * @param work a directory for the trace
 * @param killAt the call before which the server is killed; none: it is only watched
 */
export function attachTracer(pid: number, dataDir: string, work: string, killAt?: Point): Promise<Tracer> {
  const spoil = killAt === undefined ? [] : injection({ point: killAt, fault: "SIGKILL" });
  return attach(pid, dataDir, join(work, "trace"), spoil);
}

/** Makes every wait of the server for its disk take so much longer. */
export function slowDown(pid: number, dataDir: string, milliseconds: number): Promise<Tracer> {
  const delay = `inject=fsync:delay_enter=${milliseconds * 1000}`;
  return attach(pid, dataDir, join(dataDir, "..", "trace"), ["-e", delay]);
}

async function attach(
  pid: number,
  dataDir: string,
  trace: string,
  spoil: readonly string[],
): Promise<Tracer> {
  const child = spawn(
    "strace",
    [
      ...["-f", "-y", "-s", "0", "-o", trace, "-e", `trace=${SYSCALLS}`, "-p", String(pid)],
      ...["", ...NAMES].flatMap((name) => ["-P", join(dataDir, name)]),
      ...spoil,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, "close");
  const deadline = Date.now() + ATTACHED_WITHIN_MS;
  // It says so of each thread, after the last of which all calls are seen.
  while (!/Process \d+ attached/.test(said)) {
    if (Date.now() > deadline || child.exitCode !== null) throw new Error(`strace did not attach: ${said}`);
    await delay(LOOK_EVERY_MS);
  }
  return {
    async detach() {
      // It ends with the process that it killed; interrupted just then, it may wait for ever.
      if (spoil.some((argument) => argument.includes("signal=KILL")))
        await Promise.race([ended, delay(ENDED_WITHIN_MS, undefined, { ref: false })]);
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGINT");
      await Promise.race([ended, delay(ENDED_WITHIN_MS, undefined, { ref: false })]);
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        throw new Error("strace did not let go");
      }
      const text = existsSync(trace) ? readFileSync(trace, "utf8") : "";
      const calls = parse(text, dataDir);
      const worker = workerOf(calls);
      return {
        calls: calls.filter(({ tid }) => tid === worker),
        wasKilled: text.includes("+++ killed by SIGKILL +++"),
      };
    },
  };
}

/** The calls as points to be killed at. */
export function pointsOfCalls(calls: readonly Call[]): Point[] {
  const counts = new Map<string, number>();
  return calls.map(({ syscall, signature }, index) => {
    const nth = (counts.get(syscall) ?? 0) + 1;
    counts.set(syscall, nth);
    return { step: "refresh", syscall, nth, signature, index };
  });
}
