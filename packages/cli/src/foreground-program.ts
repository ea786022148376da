import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, constants as fileConstants, openSync } from "node:fs";
import { access, stat } from "node:fs/promises";
import { constants } from "node:os";
import { delimiter, join } from "node:path";

import { NotRunnableError } from "./failures.js";
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
        reject(
          error.code === "ENOENT"
            ? notFound(program)
            : new NotRunnableError(`cannot run ${program}`, reasonOf(error), NOT_EXECUTABLE),
        );
      });
      started.once("exit", (code, signal) =>
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
      );
    });
  } finally {
    stopForwarding();
  }
}

/**
 * So that nothing is begun for what cannot be run: looks where spawn will.
 * @throws NotRunnableError
 */
export async function assertRunnable(program: string, { PATH = "" }: Environment): Promise<void> {
  // Windows has endings of its own for what it runs.
  if (process.platform === "win32") return;
  const places = program.includes("/") ? [program] : PATH.split(delimiter).map((at) => join(at, program));
  let isThere = false;
  for (const place of places) {
    const found = await stat(place).catch(() => undefined);
    if (found === undefined) continue;
    if (found.isDirectory()) {
      if (!program.includes("/")) continue;
      throw new NotRunnableError(`${program} is a folder`, "name a program in it", NOT_EXECUTABLE);
    }
    isThere = true;
    if (await isExecutable(place)) return;
  }
  if (!isThere) throw notFound(program);
  const hint = `if it is a program, \`chmod +x ${program}\`; else name the program that reads it`;
  throw new NotRunnableError(`${program} is not executable`, hint, NOT_EXECUTABLE);
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, fileConstants.X_OK).then(
    () => true,
    () => false,
  );
}

function notFound(program: string): NotRunnableError {
  const hint = program.includes("/")
    ? "see that its path is right"
    : "see that it is on PATH, or give its path";
  return new NotRunnableError(`${program}: command not found`, hint, NOT_FOUND);
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  return code === "ENOEXEC" ? "it is no program" : (code ?? message);
}

/** A terminal sends its keys' signals to the child itself, which must not get them twice: this process only outlives it. */
function forwardSignals(pass: (signal: NodeJS.Signals) => void): () => void {
  const fromKeys = hasTerminal() ? (): void => undefined : pass;
  const forwarded = [
    ["SIGINT", fromKeys],
    ["SIGQUIT", fromKeys],
    ["SIGTERM", pass],
    ["SIGHUP", pass],
    // Programs give these a meaning of their own, such as to open their logs anew.
    ["SIGUSR1", pass],
    ["SIGUSR2", pass],
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
