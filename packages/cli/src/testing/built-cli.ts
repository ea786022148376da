import { execFile, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The built program. */
export const CLI = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** Compiles the client and the CLI, so that the tests run what is in the tree. Of the server it needs a build. */
export async function buildCli(): Promise<void> {
  const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  for (const folder of ["client", "cli"]) {
    const project = fileURLToPath(new URL(`../../../${folder}/tsconfig.build.json`, import.meta.url));
    await promisify(execFile)(process.execPath, [compiler, "-p", project]);
  }
}

export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the program with an environment of its own, so that nothing of the tester's leaks in. */
export function startCli(
  args: readonly string[],
  env: Record<string, string>,
  program = CLI,
): ChildProcessWithoutNullStreams {
  const path = process.env.PATH ?? "";
  return spawn(process.execPath, [program, ...args], { env: { PATH: path, ...env }, stdio: "pipe" });
}

export async function finish(child: ChildProcessWithoutNullStreams, input?: string): Promise<CliRun> {
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  // The program may end without having read its input.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input ?? "");
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stdout, stderr };
}
