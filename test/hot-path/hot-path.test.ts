import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, createServer, request, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeFilledVault } from "../../bench/harness/filled-vault.mjs";
import { createProcesses } from "../../bench/harness/processes.mjs";
import { startVault, type VaultServer } from "../../bench/harness/vault-server.mjs";

const COUNTER = fileURLToPath(new URL("hot-path-counts.mjs", import.meta.url));
// Module by module, so that a stack tells whose call it was.
const PROGRAM = fileURLToPath(new URL("../../packages/server/lib/main.js", import.meta.url));
const BODY = JSON.stringify({ text: "a-body-of-the-hot-path ".repeat(80) });
const CALLS = 50;
const FEW = 10;
const MANY = 10_000;
/** Longer than a batch of the audit log waits. */
const LAST_BATCH_MS = 200;

interface Counted {
  readonly webStreams: number;
  readonly fetches: number;
  readonly jsonOfBodies: number;
  readonly digests: number;
  readonly walks: readonly string[];
  readonly busiest: { readonly count: number; readonly where: string };
}

const processes = createProcesses();
const agent = new Agent({ keepAlive: true, maxSockets: 4 });
let directory: string;
let upstream: Server;
/** By how many services, and tokens, the vault has. */
const counted = new Map<number, Counted>();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "vault-proxy-test-"));
  upstream = createServer((incoming, response) => {
    incoming.resume().on("end", () => {
      response.writeHead(200, { "Content-Type": "application/json", ETag: '"one"' }).end(BODY);
    });
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  await Promise.all(
    [FEW, MANY].map(async (size) => {
      const dataDir = join(directory, String(size));
      const token = await makeFilledVault(processes, dataDir, { origin, services: size, tokens: size });
      const options = { program: PROGRAM, nodeFlags: ["--import", COUNTER] };
      const vault = await startVault(processes, dataDir, options);
      const url = `${vault.address}/proxy/api-${size - 1}/v1/things?page=1`;
      // The first calls connect, and make what later ones use.
      await callMany(url, token);
      await untilIdle(vault);
      await vault.ask({ hotPath: "begin" });
      await callMany(url, token);
      await delay(LAST_BATCH_MS);
      counted.set(size, await endOf(vault));
    }),
  );
}, 60_000);

afterAll(async () => {
  agent.destroy();
  await processes.stopAll();
  upstream.closeAllConnections();
  upstream.close();
  await rm(directory, { recursive: true, force: true });
});

async function endOf(vault: VaultServer): Promise<Counted> {
  return (await vault.ask({ hotPath: "end" })) as Counted;
}

/** What the services' secrets are searched for by is made in slices, after the unlock. */
async function untilIdle(vault: VaultServer): Promise<void> {
  for (;;) {
    await vault.ask({ hotPath: "begin" });
    await delay(LAST_BATCH_MS);
    if ((await endOf(vault)).busiest.count < CALLS) return;
  }
}

/** As many GETs as POSTs. */
async function callMany(url: string, token: string): Promise<void> {
  for (let call = 0; call < CALLS; call += 1) await callOnce(url, token, call % 2 === 0 ? "GET" : "POST");
}

async function callOnce(url: string, token: string, method: string): Promise<void> {
  const headers = {
    Authorization: `Bearer ${token}`,
    ...(method === "POST" ? { "Content-Type": "application/json", "Content-Length": BODY.length } : {}),
  };
  const sent = request(url, { agent, method, headers });
  sent.end(method === "POST" ? BODY : undefined);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  expect([response.statusCode, text]).toEqual([200, BODY]);
}

function countsOf(size: number): Counted {
  const counts = counted.get(size);
  if (counts === undefined) throw new Error("nothing was counted");
  return counts;
}

test("a proxied call makes no web stream", () => {
  expect(countsOf(FEW).webStreams).toBe(0);
});

test("a proxied call goes through no fetch, and makes neither its requests nor its responses", () => {
  expect(countsOf(FEW).fetches).toBe(0);
});

test("no body of a proxied call is parsed as JSON, or written as JSON again", () => {
  expect(countsOf(FEW).jsonOfBodies).toBe(0);
});

test("a proxied call takes one SHA-256 at most, beside those of the audit log", () => {
  expect(countsOf(FEW).digests).toBeGreaterThan(0);
  expect(countsOf(FEW).digests).toBeLessThanOrEqual(CALLS);
});

test("a proxied call walks through neither all services nor all tokens", () => {
  expect(countsOf(MANY).walks).toEqual([]);
});

test("nothing runs more often for a call where there are 10,000 services and tokens than where there are 10", () => {
  const [few, many] = [countsOf(FEW).busiest, countsOf(MANY).busiest];
  expect(few.count).toBeGreaterThanOrEqual(CALLS);
  expect(many.count, many.where).toBeLessThan(few.count + (CALLS * MANY) / 100);
});
