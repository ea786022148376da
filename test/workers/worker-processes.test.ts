import { readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PASSWORD } from "../live/processes.js";
import { eventually } from "../live/raw-sockets.js";
import { call, open, unlock } from "../live/vault-calls.js";
import { startWorkerVault, type WorkerVault } from "./worker-vault.js";

let vault: WorkerVault;

beforeAll(async () => {
  vault = await startWorkerVault();
  await vault.add("api");
});

afterAll(() => vault.close());

/** The two that are ready now. */
const workers = (): number[] => vault.workers().filter(isAlive);
const untilTwo = (): Promise<void> => eventually(() => workers().length === 2);

const proxied = async (): Promise<number> =>
  (await call(vault.server.address, "GET", "/proxy/api/x", { token: vault.token })).status;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("a worker that dies is replaced, and loses its own connections only", async () => {
  const running: { isBroken: boolean }[] = [];
  for (let each = 0; each < 4; each += 1) {
    const answer = await open(vault.server.address, "GET", "/proxy/api/stream", { token: vault.token });
    const one = { isBroken: false };
    answer.on("error", () => (one.isBroken = true)).resume();
    running.push(one);
  }
  const [victim = 0] = workers();
  process.kill(victim, "SIGKILL");
  await eventually(() => running.filter(({ isBroken }) => isBroken).length === 2);
  // Nobody is refused meanwhile.
  expect(await Promise.all([proxied(), proxied(), proxied()])).toEqual([200, 200, 200]);
  await untilTwo();
  expect(await Promise.all([proxied(), proxied(), proxied(), proxied()])).toEqual([200, 200, 200, 200]);
  expect(running.filter(({ isBroken }) => isBroken)).toHaveLength(2);
});

test("calls wait for a worker while there is none", async () => {
  const lost = (): number => vault.server.log().split("a worker is gone").length;
  const before = lost();
  for (const pid of workers()) process.kill(pid, "SIGKILL");
  await eventually(() => lost() === before + 2);
  expect(await Promise.all([proxied(), proxied(), proxied()])).toEqual([200, 200, 200]);
  await untilTwo();
});

test("a worker that is silent for a second is killed, and keeps no admin waiting for longer", async () => {
  const callers = await vault.callers();
  const [victim = 0] = workers();
  process.kill(victim, "SIGSTOP");
  // A connection to the server that no request of the admin's could be handed to the silent one by.
  const startedAt = performance.now();
  const locked = await Promise.any(
    callers.map((each) => each.call("POST", "/auth/lock", { token: vault.admin, body: "{}" })),
  );
  expect(locked.status).toBe(200);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  await eventually(() => !isAlive(victim));
  const { status, json } = await call(vault.server.address, "GET", "/health");
  expect([status, json]).toEqual([200, expect.objectContaining({ status: "locked" })]);
  await unlock(vault.server);
  await untilTwo();
  expect(await Promise.all([proxied(), proxied()])).toEqual([200, 200]);
});

test("neither arguments nor environment of a worker hold anything of the vault's", () => {
  for (const pid of workers()) {
    const seen = ["cmdline", "environ"]
      .map((name) => readFileSync(`/proc/${pid}/${name}`, "latin1"))
      .join("\0");
    for (const secret of [vault.admin, vault.token, PASSWORD, "secret-of-api", "VAULT_"]) {
      expect(seen).not.toContain(secret);
    }
  }
});

test("the owner's own socket is for its user, and for who has the key", async () => {
  const directory = join(vault.server.dataDir, "workers");
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  const answer = await new Promise<string>((resolve) => {
    let received = "";
    const socket = connect(join(directory, "owner.sock"));
    socket.on("data", (chunk) => (received += chunk.toString()));
    socket.on("error", () => undefined).on("close", () => resolve(received));
    socket.write(`GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n${" ".repeat(64)}`);
  });
  expect(answer).toBe("");
});

test("a stop ends all, lets what runs have its answer, and leaves nothing behind", async () => {
  const [...pids] = workers();
  const answer = await open(vault.server.address, "GET", "/proxy/api/slow", { token: vault.token });
  expect(await vault.server.stop("SIGTERM")).toBe(0);
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toBe("one, two");
  expect(pids.some(isAlive)).toBe(false);
  expect(await readdir(vault.server.dataDir)).not.toContain("workers");
});

test("without its owner a worker makes no calls, and goes on when it hears it again", async () => {
  const stopped = await startWorkerVault();
  try {
    await stopped.add("api");
    const callers = await stopped.callers();
    const { token } = stopped;
    const statuses = async () => {
      const answers = await Promise.all(callers.map((each) => each.call("GET", "/proxy/api/x", { token })));
      return new Set(answers.map(({ status }) => status));
    };
    expect(await statuses()).toEqual(new Set([200]));
    process.kill(stopped.server.pid, "SIGSTOP");
    await delay(1_500);
    expect(await statuses()).toEqual(new Set([503]));
    process.kill(stopped.server.pid, "SIGCONT");
    expect(await statuses()).toEqual(new Set([200]));
  } finally {
    process.kill(stopped.server.pid, "SIGCONT");
    await stopped.close();
  }
});

test("workers are gone as soon as their owner is", async () => {
  const orphaned = await startWorkerVault();
  const pids = orphaned.workers();
  expect(pids.filter(isAlive)).toHaveLength(2);
  await orphaned.server.stop("SIGKILL");
  await eventually(() => !pids.some(isAlive));
  expect(await readdir(orphaned.temporary)).toEqual([]);
  await orphaned.close();
});
