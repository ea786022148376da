import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { cleanEnvironment } from "./processes.js";

const CLI = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));
const WAIT_MS = 20_000;
/** Runs its arguments in a terminal of 100 columns, whose keys and screen are its own standard input and output. */
const TERMINAL = [
  "import os, pty, sys",
  'status = pty.spawn(["sh", "-c", "stty cols 100 rows 40; exec \\"$@\\"", "sh", *sys.argv[1:]])',
  "sys.exit(os.waitstatus_to_exitcode(status))",
].join("\n");

/** A vault-cli that runs. */
export interface RunningCli {
  /** Standard output, so far; in a terminal all that it shows. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the match as soon as `pattern` is in the output. */
  see(pattern: RegExp): Promise<RegExpExecArray>;
  type(keys: string): void;
  kill(signal: NodeJS.Signals): void;
  /** Exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** Starts the built vault-cli, in a terminal or without. */
export function startCli(
  args: readonly string[],
  options: {
    readonly terminal?: boolean;
    readonly env?: Readonly<Record<string, string>>;
    readonly stdin?: string;
  },
): RunningCli {
  const command = [process.execPath, CLI, ...args];
  const [program = "", ...rest] =
    options.terminal === true ? ["python3", "-c", TERMINAL, ...command] : command;
  const child: ChildProcess = spawn(program, rest, {
    env: {
      ...cleanEnvironment(options.env),
      ...(options.terminal === true ? { TERM: "xterm-256color" } : {}),
    },
    stdio: "pipe",
  });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.on("data", (chunk: Buffer) => (output[stream] += chunk.toString()));
  }
  child.stdin?.on("error", () => undefined);
  if (options.terminal !== true) child.stdin?.end(options.stdin ?? "");
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  return {
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended,
    type: (keys) => child.stdin?.write(keys),
    kill: (signal) => child.kill(signal),
    see: (pattern) =>
      new Promise((resolve, reject) => {
        const complain = (what: string): void => {
          reject(new Error(`${what} before ${String(pattern)} was seen:\n${output.stdout}${output.stderr}`));
        };
        const timer = setTimeout(() => complain(`${WAIT_MS} ms passed`), WAIT_MS);
        const look = (): void => {
          const found = pattern.exec(output.stdout + output.stderr);
          if (found === null) return;
          clearTimeout(timer);
          resolve(found);
        };
        child.stdout?.on("data", look);
        child.stderr?.on("data", look);
        look();
        void ended.then((how) => {
          clearTimeout(timer);
          complain(`it ended with ${String(how)}`);
        });
      }),
  };
}
