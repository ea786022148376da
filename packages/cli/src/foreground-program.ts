import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";

import { CliError } from "./failures.js";
import type { Environment } from "./output.js";

export interface ForegroundProgram {
  readonly program: string;
  readonly args: readonly string[];
  /** All of its environment. */
  readonly env: Environment;
}

/** Of a shell, for a command that cannot be run: not found, or not executable. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/**
 * Runs a program that has this one's input, output and terminal. Signals that would end this process first are the
 * program's, so that what has to be done after it is done.
 * @returns its exit code, or 128 + the signal that ended it
 */
export async function runInForeground({ program, args, env }: ForegroundProgram): Promise<number> {
  let child: ChildProcess | undefined;
  // Before there is a child: it may run, and be seen to run, before spawn returns.
  const stopForwarding = forwardSignals((signal) => void child?.kill(signal));
  try {
    const started = spawn(program, args, { env: { ...env }, stdio: "inherit" });
    child = started;
    return await new Promise<number>((resolve, reject) => {
      started.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") process.stderr.write(`${program}: command not found\n`);
        if (error.code === "ENOENT") resolve(NOT_FOUND);
        else if (error.code === "EACCES") resolve(NOT_EXECUTABLE);
        else reject(new CliError(`cannot run ${program}`));
      });
      started.once("exit", (code, signal) =>
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
      );
    });
  } finally {
    stopForwarding();
  }
}

/** A terminal sends its keys' signals to the child itself, which must not get them twice: this process only outlives it. */
function forwardSignals(pass: (signal: NodeJS.Signals) => void): () => void {
  const fromKeys = hasTerminal() ? (): void => undefined : pass;
  const forwarded = [
    ["SIGINT", fromKeys],
    ["SIGQUIT", fromKeys],
    ["SIGTERM", pass],
    ["SIGHUP", pass],
  ] as const;
  for (const [signal, listener] of forwarded) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of forwarded) process.off(signal, listener);
  };
}

/** Whether there is a terminal whose Ctrl-C reaches the whole process group, also where all of stdio is redirected. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
