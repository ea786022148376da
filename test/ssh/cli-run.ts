import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { cleanEnvironment } from "../live/processes.js";

const CLI = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));

/** A vault-cli that has ended, with its output as bytes. */
export interface CliRun {
  readonly code: number | NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface CliRunOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What standard input holds; without, it stays open and says nothing, as the one of an agent may. */
  readonly stdin?: string | Buffer;
}

/** Runs the built vault-cli to its end. */
export async function runCli(args: readonly string[], { env, cwd, stdin }: CliRunOptions): Promise<CliRun> {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: cleanEnvironment(env),
    stdio: "pipe",
    ...(cwd === undefined ? {} : { cwd }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on("error", () => undefined);
  if (stdin !== undefined) child.stdin.end(stdin);
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code: code ?? signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
}
