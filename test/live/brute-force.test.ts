import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { byForm } from "../durability/torture.js";
import { watchLatency } from "./call-latency.js";
import { peakMemoryMib, timed } from "./process-costs.js";
import { PASSWORD, startServer, temporaryDirectory, type RunningServer } from "./processes.js";
import { connectionsAtOnce, NOBODY, runAs, SOMEBODY } from "./server-as-user.js";
import { startStreamingUpstream, type Upstream } from "./tls-upstream.js";
import { addService, call, makeToken, unlock } from "./vault-calls.js";

const FLOOD = fileURLToPath(new URL("unlock-flood.mjs", import.meta.url));
const ATTEMPTS = 10_000;
const CONNECTIONS = connectionsAtOnce(1000);
const ROOT = 0;
/** What one key derivation takes (RFC 9106 §4, the second recommended option). */
const DERIVATION_MIB = 64;
/** What a thousand connections with a request each may take beside that: V8's old space, and some for the rest. */
const SLACK_MIB = 128;
const HEAP_MIB = 96;
/** Otherwise V8 puts off collecting, and what it has not collected yet would be taken for memory in use. */
const ENVIRONMENT = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` };

interface FloodResult {
  readonly statuses: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  /** The longest Retry-After, in seconds. */
  readonly maxRetryAfter: number;
  readonly worstMs: number;
  readonly seconds: number;
}

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let upstream: Upstream;
let server: RunningServer;
let token: string;

beforeAll(async () => {
  if (process.getuid?.() !== ROOT) throw new Error("these tests act as several users: they need root");
  directory = await temporaryDirectory();
  upstream = await startStreamingUpstream(undefined, (_request, response) => response.end("ok"));
  server = await startServer({ dataDir: directory.path, derivation: "real", env: ENVIRONMENT });
  const admin = await unlock(server);
  await addService(server, admin, {
    name: "api",
    base_url: upstream.origin,
    auth: { type: "bearer", token: "secret" },
    allow_private: true,
  });
  token = await makeToken(server, admin);
});

afterAll(async () => {
  await server.stop("SIGKILL");
  await upstream.close();
  await directory.remove();
});

/** Unlock attempts of a user, from a process of its own. */
async function flood(
  uid: number,
  attempts: number,
  connections: number,
  password = "wrong password",
): Promise<FloodResult> {
  const flooder = runAs(uid, [FLOOD, server.address, String(attempts), String(connections), password]);
  expect(await flooder.ended, flooder.output()).toBe(0);
  const result = JSON.parse(flooder.output()) as FloodResult;
  expect(result.errors).toEqual({});
  return result;
}

const attemptAs = (uid: number, password: string): Promise<FloodResult> => flood(uid, 1, 1, password);

/** As {@link unlock}, waiting as long as a slowed caller has to. */
async function unlockPatiently(): Promise<string> {
  const answer = await call(server.address, "POST", "/auth/unlock", {
    body: JSON.stringify({ password: PASSWORD }),
  });
  if (answer.status === 429) {
    expect(answer.headers["retry-after"]).toBe("1");
    await new Promise((resolve) => setTimeout(resolve, 1050));
  }
  return unlock(server);
}

async function latencyDuring<R>(task: () => Promise<R>) {
  const watch = watchLatency(server.address, "/proxy/api/x", token);
  const result = await task();
  return { result, latency: await watch.stop() };
}

describe("ten thousand unlock attempts at once", () => {
  test("take one derivation's memory, are all answered, and leave proxied calls responsive", async () => {
    const quiet = await latencyDuring(() => new Promise((resolve) => setTimeout(resolve, 2000)));
    const before = peakMemoryMib(server.pid);
    const { result, latency } = await latencyDuring(() => flood(ROOT, ATTEMPTS, CONNECTIONS));
    const after = peakMemoryMib(server.pid);
    console.log(
      `${ATTEMPTS} unlock attempts on ${CONNECTIONS} connections: ${JSON.stringify(result.statuses)} ` +
        `in ${result.seconds.toFixed(1)} s; peak memory ${before} MiB before, ${after} MiB after; ` +
        `proxied calls without ${JSON.stringify(quiet.latency)}, with ${JSON.stringify(latency)} (ms)`,
    );
    expect(Object.keys(result.statuses).sort()).toEqual(["401", "429"]);
    expect((result.statuses["401"] ?? 0) + (result.statuses["429"] ?? 0)).toBe(ATTEMPTS);
    // At most one a second gets as far as a derivation, and those that waited when the first one failed do not.
    expect(result.statuses["401"]).toBeLessThanOrEqual(result.seconds + 2);
    expect(after - before).toBeLessThanOrEqual(DERIVATION_MIB + SLACK_MIB);
    // Each turn of the event loop may have a thousand attempts to refuse, at half a millisecond each and more.
    expect(latency.p50).toBeLessThan(1000);
    expect(latency.worst).toBeLessThan(10_000);
    await unlockPatiently();
  }, 120_000);
});

describe("a lock-out", () => {
  let barredAt: number;

  const untilFreed = async (seconds: number): Promise<void> => {
    const left = barredAt + seconds * 1000 + 500 - Date.now();
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
  };

  beforeAll(async () => {
    for (const uid of [NOBODY, SOMEBODY]) {
      expect(await flood(uid, 5, 1)).toMatchObject({ statuses: { "401": 5 }, maxRetryAfter: 0 });
    }
    barredAt = Date.now();
  });

  test("bars a user after five wrong passwords, the right one too, and survives kill -9", async () => {
    const barred = { statuses: { "429": 1 } };
    const first = await attemptAs(NOBODY, PASSWORD);
    expect(first).toMatchObject(barred);
    expect(first.maxRetryAfter).toBeGreaterThan(20);
    expect(first.maxRetryAfter).toBeLessThanOrEqual(30);
    await server.stop("SIGKILL");
    server = await startServer({ dataDir: directory.path, derivation: "real", env: ENVIRONMENT });
    expect(await attemptAs(NOBODY, PASSWORD)).toMatchObject(barred);
    expect(await attemptAs(SOMEBODY, PASSWORD)).toMatchObject(barred);
    await unlock(server);
  });

  test("lets the owner in during the barred user's flood, which derives nothing", async () => {
    const flooding = flood(NOBODY, byForm(2000, ATTEMPTS), CONNECTIONS);
    const over = new AbortController();
    const stop = (): void => over.abort();
    void flooding.then(stop, stop);
    const times: number[] = [];
    while (!over.signal.aborted) times.push((await timed(() => unlock(server))).ms);
    const { statuses, seconds } = await flooding;
    console.log(
      `the owner unlocked ${times.length} times during a flood of ${seconds.toFixed(1)} s, ` +
        `in ${Math.max(...times)} ms at worst`,
    );
    expect(statuses).toEqual({ "429": byForm(2000, ATTEMPTS) });
    expect(Math.max(...times)).toBeLessThan(20_000);
  }, 60_000);

  test("ends after 30 s for the right password, and doubles for a wrong one", async () => {
    await untilFreed(30);
    expect(await attemptAs(NOBODY, PASSWORD)).toMatchObject({ statuses: { "200": 1 } });
    expect(await attemptAs(SOMEBODY, "wrong password")).toMatchObject({ statuses: { "401": 1 } });
    const again = await attemptAs(SOMEBODY, PASSWORD);
    expect(again).toMatchObject({ statuses: { "429": 1 } });
    expect(again.maxRetryAfter).toBeGreaterThan(50);
    expect(again.maxRetryAfter).toBeLessThanOrEqual(60);
    // The success has cleared the other user's count.
    expect(await flood(NOBODY, 5, 1)).toMatchObject({ statuses: { "401": 5 } });
    expect((await attemptAs(NOBODY, PASSWORD)).maxRetryAfter).toBeLessThanOrEqual(30);
  }, 60_000);

  test("never bars root, which is slowed to one attempt a second", async () => {
    const attempt = (password: string) =>
      call(server.address, "POST", "/auth/unlock", { body: JSON.stringify({ password }) });
    for (let failures = 0; failures < 6; failures += 1) {
      expect(await attempt("wrong password")).toMatchObject({ status: 401 });
      expect(await attempt(PASSWORD)).toMatchObject({ status: 429, json: { code: "rate_limited" } });
      await new Promise((resolve) => setTimeout(resolve, 1050));
    }
    await unlock(server);
  }, 30_000);
});
