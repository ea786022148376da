import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { recordAnswers } from "../contract/recorded-answers.js";
import { cleanEnvironment, derivationFlags } from "./processes.js";

const SERVER = fileURLToPath(new URL("../../packages/server/dist/main.js", import.meta.url));
const START_MS = 15_000;

/** Two users who own nothing. The checkout must be readable for them. */
export const NOBODY = 65_534;
export const SOMEBODY = 65_533;

export interface UserProcess {
  readonly pid: number;
  /** All that it has written so far. */
  readonly output: () => string;
  /** Exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/**
 * Runs a Node program as another user. Needs root.
 *
 * @param record an open file that is to be its file 3
 */
export function runAs(
  uid: number,
  args: readonly string[],
  record?: { readonly descriptor: number; readonly environment: Readonly<Record<string, string>> },
): UserProcess {
  const child = spawn(process.execPath, args, {
    uid,
    gid: uid,
    env: cleanEnvironment(record?.environment),
    cwd: "/",
    stdio: ["ignore", "pipe", "pipe", record?.descriptor ?? "ignore"],
  });
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  if (child.pid === undefined)
    throw new Error(`cannot run a program as user ${uid}: are these tests root's?`);
  return { pid: child.pid, output: () => text, ended };
}

/**
 * A built vault-server of another user; with its address as soon as it listens, or how it ended. `ended` rejects if it gave
 * an answer that its OpenAPI document does not promise.
 */
export async function runServerAs(
  uid: number,
  dataDir: string,
): Promise<UserProcess & { readonly address: string | undefined }> {
  const args = [SERVER, "--data-dir", dataDir, "--listen", "127.0.0.1:0"];
  const answers = recordAnswers();
  const record = answers.open();
  const child = runAs(uid, [...answers.nodeFlags, ...derivationFlags("quick"), ...args], record);
  closeSync(record.descriptor);
  const started = {
    ...child,
    ended: child.ended.then(async (how) => {
      await answers.check();
      return how;
    }),
  };
  const deadline = Date.now() + START_MS;
  const ended = started.ended.then(() => true);
  for (;;) {
    const address = /listening on (\S+)/.exec(started.output())?.[1];
    const hasEnded = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20))]);
    if (address !== undefined || hasEnded === true) return { ...started, address };
    if (Date.now() > deadline) {
      process.kill(started.pid, "SIGKILL");
      throw new Error(`the server neither listens nor ends:\n${started.output()}`);
    }
  }
}

/** Connections that one process may have open at once here, at most `wanted`, with room for its other descriptors. */
export function connectionsAtOnce(wanted: number): number {
  const limit = execFileSync("sh", ["-c", "ulimit -n"]).toString().trim();
  return limit === "unlimited" ? wanted : Math.min(wanted, Number(limit) - 124);
}
