import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { startRawUpstream, type RawUpstream } from "../live/raw-sockets.js";
import { addService, call, makeToken, unlock, type Answered } from "../live/vault-calls.js";

const RULES = [{ service: "api" }];
/** How many uses ahead the vault is told: so many a crash may cost. */
const AHEAD = 32;
const BODY_BYTES = 1000;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let upstream: RawUpstream;
let server: RunningServer;
let admin: string;

beforeAll(async () => {
  directory = await temporaryDirectory();
  upstream = await startRawUpstream((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY_BYTES}\r\n\r\n${"x".repeat(BODY_BYTES)}`);
  });
  await start();
  await addService(server, admin, {
    ...{ name: "api", base_url: upstream.origin, allow_private: true },
    auth: { type: "bearer", token: "sk-upstream-0123456789" },
  });
});
afterAll(async () => {
  await server.stop();
  await upstream.close();
  await directory.remove();
});

async function start(): Promise<void> {
  server = await startServer({ dataDir: directory.path });
  admin = await unlock(server);
}
async function restart(signal: NodeJS.Signals): Promise<void> {
  await server.stop(signal);
  await start();
}

const get = (token: string): Promise<Answered> => call(server.address, "GET", "/proxy/api/x", { token });
const tokenWith = (policy: object): Promise<string> => makeToken(server, admin, { policy });
async function passed(token: string, count: number): Promise<number> {
  const answers = await Promise.all(Array.from({ length: count }, () => get(token).catch(() => undefined)));
  return answers.filter((answer) => answer?.status === 200).length;
}

interface Tokens {
  readonly few: string;
  readonly many: string;
  readonly cooling: string;
  readonly parent: string;
  readonly child: string;
  readonly bytes: string;
  readonly minute: string;
}

async function makeTokens(): Promise<Tokens> {
  const parent = await tokenWith({ rules: RULES, limits: { max_uses: 10 } });
  const made = await call(server.address, "POST", "/tokens/self/children", { token: parent, body: "{}" });
  return {
    few: await tokenWith({ rules: RULES, limits: { max_uses: 10 } }),
    many: await tokenWith({ rules: RULES, limits: { max_uses: 200 } }),
    cooling: await tokenWith({ rules: [{ service: "api", cooldown: "300s" }] }),
    parent,
    child: (made.json as { id: string }).id,
    bytes: await tokenWith({ rules: RULES, limits: { bytes_per_day: 10 * BODY_BYTES } }),
    minute: await tokenWith({ rules: RULES, limits: { requests_per_minute: 10 } }),
  };
}

async function useOnce({ few, many, cooling, child, bytes, minute }: Tokens): Promise<void> {
  const counts = await Promise.all([few, child, bytes, minute].map((token) => passed(token, 4)));
  expect([...counts, await passed(many, 50), await passed(cooling, 10)]).toEqual([4, 4, 4, 4, 50, 1]);
}

async function expectCooling(token: string): Promise<void> {
  expect(await passed(token, 100)).toBe(0);
  const { status, headers } = await get(token);
  expect(status).toBe(429);
  expect(Number(headers["retry-after"])).toBeGreaterThan(240);
  expect(Number(headers["retry-after"])).toBeLessThanOrEqual(300);
  expect(headers.ratelimit).toBe(`"cooldown";r=0;t=${headers["retry-after"]}`);
  expect(headers["ratelimit-policy"]).toBe('"cooldown";q=1;w=300');
}

describe("what a token has used of its limits", () => {
  test("is the same after a restart, and after a lock", async () => {
    const tokens = await makeTokens();
    await useOnce(tokens);
    await restart("SIGTERM");
    await expectCooling(tokens.cooling);
    expect(await passed(tokens.minute, 3)).toBe(3);
    expect(await passed(tokens.few, 3)).toBe(3);
    await call(server.address, "POST", "/auth/lock", { token: admin, body: "{}" });
    admin = await unlock(server);
    expect(await passed(tokens.minute, 100)).toBe(3);
    expect(await passed(tokens.few, 100)).toBe(3);
    expect(await passed(tokens.child, 100)).toBe(6);
    expect(await passed(tokens.parent, 10)).toBe(0);
    expect(await passed(tokens.many, 300)).toBe(150);
    expect(await passed(tokens.bytes, 50)).toBe(6);
    await expectCooling(tokens.cooling);
    await restart("SIGTERM");
    expect(await passed(tokens.few, 20)).toBe(0);
    expect((await get(tokens.few)).headers["retry-after"]).toBeUndefined();
  });

  test("is never given back by a crash under load", async () => {
    const tokens = await makeTokens();
    await useOnce(tokens);
    // Killed while these run: those whose caller got an answer have been counted.
    const during = Promise.all([passed(tokens.many, 60), passed(tokens.few, 3), passed(tokens.child, 3)]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await server.stop("SIGKILL");
    const [many, few, children] = await during;
    await start();
    await expectCooling(tokens.cooling);
    expect(4 + few + (await passed(tokens.few, 100))).toBeLessThanOrEqual(10);
    expect(
      4 + children + (await passed(tokens.child, 50)) + (await passed(tokens.parent, 50)),
    ).toBeLessThanOrEqual(10);
    const left = await passed(tokens.many, 300);
    expect(50 + many + left).toBeLessThanOrEqual(200);
    // Of 60 that were under way all may have been counted.
    expect(left).toBeGreaterThanOrEqual(200 - 50 - 60 - AHEAD);
    expect(4 + (await passed(tokens.bytes, 50))).toBeLessThanOrEqual(10);
  });
});
