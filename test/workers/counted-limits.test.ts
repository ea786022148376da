import { afterAll, beforeAll, expect, test } from "vitest";
import { call, makeToken, open, type Answered } from "../live/vault-calls.js";
import { countStatuses, startWorkerVault, type WorkerVault } from "./worker-vault.js";

const CALLS = 1000;
const AT_ONCE = 50;

let vault: WorkerVault;

beforeAll(async () => {
  vault = await startWorkerVault((request, response) => {
    request.resume();
    if (request.url === "/stream") response.writeHead(200).write("first");
    else if (request.url === "/thousand") response.end("x".repeat(1000));
    else request.on("end", () => response.end("ok"));
  });
  await vault.add("api");
});

afterAll(() => vault.close());

const tokenWith = async (name: string, policy: object): Promise<string> => {
  await vault.admins("POST", "/policies", { name, rules: [{ service: "api" }], ...policy });
  return makeToken(vault.server, vault.admin, { policy: name });
};

/** Calls on connections of both workers, many at a time. */
async function callMany(token: string, target: string, count = CALLS): Promise<Answered[]> {
  const callers = (await Promise.all(Array.from({ length: AT_ONCE / 4 }, () => vault.callers()))).flat();
  const answers: Answered[] = [];
  let left = count;
  await Promise.all(
    callers.map(async (each) => {
      for (; left > 0;) {
        left -= 1;
        answers.push(await each.call("GET", target, { token }));
      }
    }),
  );
  return answers;
}

test.each([
  ["requests_per_minute", { requests_per_minute: 100 }, 100],
  ["max_uses", { max_uses: 77 }, 77],
])("of 1,000 calls over two workers exactly as many pass as %s says", async (limit, limits, permitted) => {
  const answers = await callMany(await tokenWith(limit, { limits }), "/proxy/api/x");
  expect(countStatuses(answers)).toEqual({ 200: permitted, 429: CALLS - permitted });
});

test("a cooldown is one for all workers", async () => {
  const token = await tokenWith("cool", { rules: [{ service: "api", cooldown: "300s" }] });
  expect(countStatuses(await callMany(token, "/proxy/api/x", 100))).toEqual({ 200: 1, 429: 99 });
});

test("the number of calls at once is that of all workers together", async () => {
  const token = await tokenWith("few", { limits: { max_concurrent: 5 } });
  const running = [];
  for (let each = 0; each < 5; each += 1) {
    running.push(await open(vault.server.address, "GET", "/proxy/api/stream", { token }));
  }
  expect(running.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200]);
  expect(countStatuses(await callMany(token, "/proxy/api/x", 20))).toEqual({ 429: 20 });
  for (const each of running) each.on("error", () => undefined).destroy();
  await expect
    .poll(async () => (await call(vault.server.address, "GET", "/proxy/api/x", { token })).status)
    .toBe(200);
});

test("the bytes of a day are those of all workers together", async () => {
  const token = await tokenWith("bytes", { limits: { bytes_per_day: 20_000 } });
  const answers = await callMany(token, "/proxy/api/thousand", 100).catch(() => []);
  const whole = answers.filter(({ status, text }) => status === 200 && text.length === 1000);
  expect(whole.length).toBeLessThanOrEqual(20);
  expect((await call(vault.server.address, "GET", "/proxy/api/thousand", { token })).status).toBe(429);
});

test("a limit that is used up is told with its header fields, as by one process", async () => {
  const token = await tokenWith("told", { limits: { requests_per_minute: 1 } });
  expect((await call(vault.server.address, "GET", "/proxy/api/x", { token })).status).toBe(200);
  const { status, headers, json } = await call(vault.server.address, "GET", "/proxy/api/x", { token });
  expect([status, json]).toEqual([429, expect.objectContaining({ code: "rate_limited" })]);
  expect(Number(headers["retry-after"])).toBeGreaterThan(50);
  expect(headers["ratelimit-policy"]).toContain('"requests";q=1');
});
