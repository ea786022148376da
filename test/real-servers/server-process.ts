import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { cleanEnvironment } from "../live/processes.js";

/**
 * Runs the rest of the arguments, beside a watcher that kills the process group as soon as nobody holds the other end of
 * descriptor 3 open: a test runner that is killed takes its servers with it. The watcher is nobody's child here, so that
 * no server has to do with one that it does not know.
 */
const WATCHED = '( { cat <&3; kill -KILL 0; } >/dev/null 2>&1 & ); exec 3<&-; exec "$@"';

const START_MS = 20_000;
const STOP_MS = 5_000;
const POLL_MS = 20;

/** Who runs a program. */
export interface UnixUser {
  readonly uid: number;
  readonly gid: number;
}

export interface ServerProcess {
  readonly pid: number;
  /** All that it has written so far. Throws when its folder is gone. */
  readonly log: () => string;
  /** Sends a signal, and waits for the end: SIGKILL follows after five seconds. Does nothing when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Where it runs, and where its log goes. */
  readonly cwd: string;
  readonly user?: UnixUser | undefined;
  /** Asked again and again until it says so; a rejection counts as no. */
  readonly isReady: (log: string) => boolean | Promise<boolean>;
}

/**
 * Starts a server in the foreground and waits until it is ready.
 *
 * @throws {Error} With its log, when it ends or is not ready in time.
 */
export async function startServerProcess(options: ServerCommand): Promise<ServerProcess> {
  const { command, args, cwd, user } = options;
  // A file, since Postfix cannot open the sockets that Node gives its children as standard output.
  const logPath = join(cwd, "server.log");
  const output = openSync(logPath, "a");
  const child = spawn("sh", ["-c", WATCHED, "sh", command, ...args], {
    cwd,
    env: { ...cleanEnvironment(), LC_ALL: "C.UTF-8" },
    stdio: ["ignore", output, output, "pipe"],
    // Its own process group: SIGKILL is for all of it, since nobody would be left to end the rest.
    detached: true,
    ...user,
  });
  closeSync(output);
  const watched = child.stdio[3] as Socket;
  watched.unref();
  const log = (): string => readFileSync(logPath, "utf8");
  let failure: string | undefined;
  child.on("error", (error) => (failure = error.message));
  child.on("exit", (code, signal) => {
    failure ??= `it ended with ${String(code ?? signal)}`;
    watched.destroy();
  });

  const kill = (signal: NodeJS.Signals): void => {
    if (child.pid === undefined || failure !== undefined) return;
    process.kill(signal === "SIGKILL" ? -child.pid : child.pid, signal);
  };
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    if (failure !== undefined) return;
    const ended = once(child, "exit");
    kill(signal);
    const patience = setTimeout(() => kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(patience);
  };

  const deadline = Date.now() + START_MS;
  for (;;) {
    const isReady = await Promise.resolve(options.isReady(log())).catch(() => false);
    if (failure === undefined && Date.now() > deadline) {
      await stop("SIGKILL");
      failure = "it is not ready in time";
    }
    if (failure !== undefined || child.pid === undefined) {
      throw new Error(`${command}: ${failure ?? "it was not started"}\n${log()}`);
    }
    if (isReady) return { pid: child.pid, log, stop };
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
