import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli, PASSWORD, startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { startUpstream, type Upstream } from "../live/tls-upstream.js";
import { addService, call, makeToken, unlock } from "../live/vault-calls.js";
import { byForm } from "./torture.js";

const ROUNDS = byForm(3, 30);
const CALLERS = 8;
/** Each server lives until so many changes were answered, and a little longer each time. */
const CHANGES = 3;
const LIVES_LONGER_BY_MS = 30;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let upstream: Upstream;

beforeAll(async () => {
  directory = await temporaryDirectory();
  upstream = await startUpstream(undefined);
});
afterAll(async () => {
  await upstream.close();
  await directory.remove();
});

/** Repeats it until it fails, as everything does once the server is killed. */
async function repeat(task: (turn: number) => Promise<unknown>): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    try {
      await task(turn);
    } catch {
      return;
    }
  }
}

async function linesOf(dataDir: string): Promise<string[]> {
  const names = (await readdir(dataDir)).filter((name) => name.endsWith(".jsonl"));
  const texts = await Promise.all(names.map((name) => readFile(join(dataDir, name), "utf8")));
  return texts.flatMap((text) => text.split("\n").filter((line) => line !== ""));
}

test("a server that is killed under load leaves a log that verifies and goes on, with every answered change", async () => {
  const answered: string[] = [];
  let passed = 0;
  let admin = "";
  const start = async (): Promise<RunningServer> => {
    const server = await startServer({ dataDir: directory.path });
    admin = await unlock(server);
    return server;
  };
  let server = await start();
  await addService(server, admin, {
    ...{ name: "api", base_url: upstream.origin, allow_private: true },
    auth: { type: "bearer", token: "secret-of-the-api" },
  });
  const token = await makeToken(server, admin, { name: "agent" });

  for (let round = 0; round < ROUNDS; round += 1) {
    const running = server;
    const load = [
      repeat(async (turn) => {
        const name = `token-${round}-${turn}`;
        await makeToken(running, admin, { name });
        answered.push(name);
      }),
      ...Array.from({ length: CALLERS }, () =>
        repeat(async () => {
          const { status } = await call(running.address, "GET", "/proxy/api/x", { token });
          if (status === 200) passed += 1;
        }),
      ),
    ];
    const enough = answered.length + CHANGES;
    while (answered.length < enough) await delay(10);
    await delay(LIVES_LONGER_BY_MS * round);
    await running.stop("SIGKILL");
    await Promise.all(load);
    server = await start();
  }
  expect(await server.stop()).toBe(0);

  const verified = await cli(["audit", "verify", directory.path, "--with-password", "--json"], {
    env: { HOME: directory.path, VAULT_DATA_DIR: directory.path },
    stdin: `${PASSWORD}\n`,
  });
  expect(verified, verified.stdout).toMatchObject({ code: 0 });
  const entries = (await linesOf(directory.path)).map(
    (line) => JSON.parse(line) as { action: string; details?: { target_name?: string } },
  );
  const created = new Set(
    entries.filter(({ action }) => action === "token.create").map(({ details }) => details?.target_name),
  );
  expect(passed).toBeGreaterThan(ROUNDS);
  expect(answered.filter((name) => !created.has(name))).toEqual([]);
  expect(entries.filter(({ action }) => action === "server.start")).toHaveLength(ROUNDS + 1);
}, 120_000);
