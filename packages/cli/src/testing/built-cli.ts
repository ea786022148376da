import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The built program: these tests need a build, as those in `test/` do. */
export const CLI = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

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
