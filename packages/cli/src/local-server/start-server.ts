import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Health, VaultClient } from "@vault-proxy/client";

import { CliError } from "../failures.js";
import { fileFailure } from "../file-failure.js";
import type { Environment } from "../output.js";
import { listenFlag } from "./listen-flag.js";
import { answersAt } from "./own-address.js";
import { findServerProgram } from "./server-program.js";

const START_MS = 20_000;
const LOOK_EVERY_MS = 50;
/** In which a server has found that its address, or its data directory, is taken. */
const FINDS_OUT_MS = 3_000;
const LOG_FILE = "vault-server.log";
/** What this program is told by, and a server by nothing. */
const NOT_FOR_SERVER = ["VAULT_TOKEN", "VAULT_ADDR", "VAULT_PROXY_SOCK"];

export interface StartRequest {
  readonly client: VaultClient;
  readonly dataDir: string;
  readonly flags: readonly string[];
  readonly env: Environment;
}

export interface StartedServer {
  readonly pid: number;
  readonly health: Health;
  readonly logFile: string;
  /** Resolves when it has ended. */
  readonly stop: () => Promise<void>;
}

export function logFileIn(dataDir: string): string {
  return join(dataDir, LOG_FILE);
}

/**
 * Starts vault-server as a process that outlives this one and its terminal, and waits until it answers.
 * @throws CliError with the last line of its log where it does not come up
 */
export async function startServer({ client, dataDir, flags, env }: StartRequest): Promise<StartedServer> {
  const { program, args } = findServerProgram(env);
  const listen = listenFlag(client.addr);
  if (listen === undefined) throw new CliError(`${client.addr} is not on this machine`);
  await mkdir(dataDir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw fileFailure("make", `the data directory ${dataDir}`, error);
  });
  const logFile = logFileIn(dataDir);
  const log = await openLog(logFile);
  const { size } = await log.stat();
  const words = [...args, "--listen", listen, "--data-dir", dataDir, ...flags];
  const child = spawn(program, words, {
    cwd: dataDir,
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
    env: Object.fromEntries(Object.entries(env).filter(([name]) => !NOT_FOR_SERVER.includes(name))),
  });
  await log.close();
  const ended = Promise.race([once(child, "exit"), once(child, "error")]).then(
    () => "ended" as const,
    () => "ended" as const,
  );
  const { pid } = child;
  const health = await untilAnswering(client, pid, ended);
  if (health === undefined || pid === undefined) {
    // One that hangs would keep the data directory from the next.
    child.kill("SIGTERM");
    // Its reason may end in a command, behind which nothing must stand.
    throw new CliError(
      `vault-server did not start (its log is ${logFile}): ${await lastMessage(logFile, size)}`,
    );
  }
  child.unref();
  const stop = async (): Promise<void> => {
    child.ref();
    child.kill("SIGTERM");
    await ended;
  };
  return { pid, health, logFile, stop };
}

/** Private, and appended to: what came before may be what is looked for. */
async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path, "a", 0o600);
  } catch (error) {
    throw fileFailure("write", `the log ${path}`, error);
  }
}

/** @returns undefined when the server ended, or took too long */
async function untilAnswering(
  client: VaultClient,
  pid: number | undefined,
  ended: Promise<"ended">,
): Promise<Health | undefined> {
  const deadline = performance.now() + START_MS;
  let answersSince: number | undefined;
  while (performance.now() < deadline) {
    if ((await Promise.race([ended, delay(LOOK_EVERY_MS)])) === "ended") return undefined;
    const health = await client.healthDetails({ timeoutMs: 2_000 }).catch(() => undefined);
    if (health === undefined || pid === undefined) continue;
    answersSince ??= performance.now();
    // Another server may hold the address, while this one is about to find that out; and a script of PATH may have
    // started it under another number.
    const isOwn = await answersAt(pid, client);
    if (!isOwn && performance.now() - answersSince < FINDS_OUT_MS) continue;
    if ((await Promise.race([ended, delay(LOOK_EVERY_MS)])) !== "ended") return health;
  }
  return undefined;
}

/** What the last line says, without its time and level. */
async function lastMessage(path: string, from: number): Promise<string> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  const line = bytes.subarray(from).toString().trim().split("\n").at(-1) ?? "";
  return line.replace(/^\d{4}-\d\d-\d\dT\S+ +[A-Z]+ +/, "");
}
