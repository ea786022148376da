import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { refuseSecretsInAudit } from "../audit-secrets/audit-search.js";
import { recordAnswers } from "../contract/recorded-answers.js";
import { cleanEnvironment, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { makeCertificates } from "../live/tls-upstream.js";

const WORLD = fileURLToPath(new URL("./world-in-a-namespace.mjs", import.meta.url));
const SERVER = fileURLToPath(new URL("../../packages/server/dist/main.js", import.meta.url));
const START_MS = 15_000;

/** Where the world listens, on every address: HTTPS, HTTP, and ports that only accept and close. */
export const WORLD_PORTS = { https: 443, http: 80, egressProxy: 3128 } as const;

/** What a name answers to one lookup: its addresses, or another name. */
export type DnsAnswer = { readonly addresses: readonly string[] } | { readonly cname: string };

export interface Connection {
  /** The address that was connected to. */
  readonly address: string;
  readonly port: number;
}

/**
 * Network and mount namespaces without a way out, in which every address leads to one process that notes who is
 * connected to, and every name is asked of it. What the vault could reach anywhere it would reach here.
 */
export interface IsolatedNetwork {
  /** PEM of the authority that the world's certificate for `*.world.test` is of. */
  readonly ca: string;
  /** Starts a built vault-server in it, listening on a unix socket. */
  startServer(flags?: readonly string[]): Promise<RunningServer>;
  /** Sets what a name resolves to: one answer a lookup, the last one for all that follow. Time to live 0. */
  resolve(name: string, ...answers: readonly (readonly string[] | DnsAnswer)[]): Promise<void>;
  /** How often the name was looked up since it was set. */
  lookups(name: string): Promise<number>;
  /** All connections made since this was last asked. None is missing, however short it was. */
  takeConnections(): Promise<readonly Connection[]>;
  close(): Promise<void>;
}

/**
 * @param ports further TCP ports on which the world listens
 * @throws Error if namespaces cannot be made: needs Linux, root, and the commands unshare, nsenter, mount and ip
 */
export async function startIsolatedNetwork(ports: readonly number[] = []): Promise<IsolatedNetwork> {
  const directory = await temporaryDirectory();
  const certificates = await makeCertificates("DNS:*.world.test");
  await writeFile(join(directory.path, "cert.pem"), certificates.cert);
  await writeFile(join(directory.path, "key.pem"), certificates.key);
  const { https, http, egressProxy } = WORLD_PORTS;
  const world = spawn(
    "unshare",
    [
      ...["--net", "--mount", "--", process.execPath, WORLD, directory.path],
      ...[https, http, egressProxy, ...ports].map(String),
    ],
    { env: cleanEnvironment(), stdio: ["ignore", "ignore", "pipe", "ipc"] },
  );
  const order = await speakWith(world);
  const { pid } = world;
  if (pid === undefined) throw new Error("the world has no process id");
  let servers = 0;

  return {
    ca: certificates.ca,
    async startServer(flags = []) {
      servers += 1;
      return startServerIn(pid, join(directory.path, String(servers)), flags);
    },
    async resolve(name, ...answers) {
      const listed = answers.map((answer) =>
        "cname" in answer || "addresses" in answer ? answer : { addresses: answer },
      );
      await order({ do: "resolve", name, answers: listed });
    },
    lookups: async (name) => (await order({ do: "lookups", name })) as number,
    takeConnections: async () => (await order({ do: "connections" })) as readonly Connection[],
    async close() {
      const ended = once(world, "exit");
      world.disconnect();
      await ended;
      await certificates.remove();
      await directory.remove();
    },
  };
}

type Orders = (order: object) => Promise<unknown>;

async function speakWith(world: ChildProcess): Promise<Orders> {
  let complaints = "";
  world.stderr?.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  world.on("message", (message) => {
    const { id, result } = message as { id: number; result?: unknown };
    waiting.get(id)?.resolve(result);
    waiting.delete(id);
  });
  world.once("error", (error) => (complaints += error.message));
  world.once("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error(`the isolated network ended: ${complaints}`));
  });
  const answerTo = (id: number): Promise<unknown> =>
    new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  await answerTo(0);
  let orders = 0;
  return (order) => {
    const answer = answerTo((orders += 1));
    world.send({ ...order, id: orders });
    return answer;
  };
}

async function startServerIn(
  namespaceOf: number,
  dataDir: string,
  flags: readonly string[],
): Promise<RunningServer> {
  const address = `unix:${dataDir}.sock`;
  const answers = recordAnswers();
  const child = spawn(
    "nsenter",
    [
      ...["--target", String(namespaceOf), "--net", "--mount", "--"],
      ...[process.execPath, ...answers.nodeFlags, SERVER],
      ...["--data-dir", dataDir, "--listen", address, "--log-level", "debug", ...flags],
    ],
    { env: cleanEnvironment(answers.environment), stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  const ended = once(child, "close").then(async ([code, signal]) => {
    await refuseSecretsInAudit(dataDir);
    await answers.check();
    return (code ?? signal) as number | NodeJS.Signals;
  });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server did not start:\n${output}`)), START_MS);
    const look = (chunk: Buffer): void => {
      output += chunk.toString();
      if (!output.includes("listening on ")) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    void ended.then((how) => {
      clearTimeout(timer);
      reject(new Error(`the server ended with ${String(how)}:\n${output}`));
    });
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("the server has no process id");
  await assertNoWayOut(pid);
  return {
    pid,
    address,
    dataDir,
    log: () => output,
    ended,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      const how = await ended;
      if (output.includes("unexpected error")) throw new Error(`a defect was logged:\n${output}`);
      return how;
    },
  };
}

/** A server that ran beside the namespace by mistake would send what these tests try into the real network. */
async function assertNoWayOut(pid: number): Promise<void> {
  const [its, ours] = await Promise.all([readlink(`/proc/${pid}/ns/net`), readlink("/proc/self/ns/net")]);
  const interfaces = (await readFile(`/proc/${pid}/net/dev`, "utf8"))
    .split("\n")
    .slice(2)
    .map((line) => line.split(":", 1)[0]?.trim())
    .filter((name) => name !== undefined && name !== "");
  if (its === ours || interfaces.join() !== "lo") {
    process.kill(pid, "SIGKILL");
    throw new Error(`the server can reach ${interfaces.join()}: it is not in the isolated network`);
  }
}
