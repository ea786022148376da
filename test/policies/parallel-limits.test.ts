import { Agent, type ServerResponse } from "node:http";
import { parseList } from "structured-headers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLiveVault, type LiveVault } from "../live/live-vault.js";
import { eventually } from "../live/raw-sockets.js";
import { call, makeToken, type Answered } from "../live/vault-calls.js";

const RULES = [{ service: "api" }];
const BODY_BYTES = 10_000;

let vault: LiveVault;
/** Answers that the upstream keeps back, while `isHolding`. */
const held: ServerResponse[] = [];
let isHolding = false;
/** Requests that the upstream got. */
let made = 0;

beforeAll(async () => {
  vault = await startLiveVault({
    onRequest(request, response) {
      made += 1;
      if (request.url === "/v1/bytes") response.end("x".repeat(BODY_BYTES));
      else if (isHolding) held.push(response);
      else request.resume().on("end", () => response.end("done"));
    },
  });
  await vault.addService("api", { type: "bearer", token: "sk-upstream-0123456789" });
});
afterAll(() => vault.close());

const get = (token: string, path = "/v1/x"): Promise<Answered> =>
  call(vault.server.address, "GET", `/proxy/api${path}`, { token });
const tokenWith = (policy: object): Promise<string> => makeToken(vault.server, vault.admin, { policy });
async function childOf(parent: string, policy?: object): Promise<string> {
  const answer = await call(vault.server.address, "POST", "/tokens/self/children", {
    token: parent,
    body: JSON.stringify(policy === undefined ? {} : { policy }),
  });
  expect(answer.status, answer.text).toBe(201);
  return (answer.json as { id: string }).id;
}

/** @returns the statuses of `count` calls at the same time, shared out among the tokens */
async function atOnce(count: number, tokens: readonly string[]): Promise<readonly number[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) => get(tokens[index % tokens.length] ?? "")),
  );
  return answers.map(({ status }) => status);
}
const passed = (statuses: readonly number[]): number => statuses.filter((status) => status === 200).length;
const refused = (statuses: readonly number[]): number => statuses.filter((status) => status === 429).length;

/** Sends `count` calls at once while the upstream answers none, and lets it answer when all others are refused. */
async function withHeldAnswers(
  count: number,
  allowed: number,
  tokens: readonly string[],
): Promise<readonly number[]> {
  isHolding = true;
  let settled = 0;
  const calls = Array.from({ length: count }, async (_, index) => {
    const { status } = await get(tokens[index % tokens.length] ?? "");
    settled += 1;
    return status;
  });
  await expect.poll(() => settled + held.length, { timeout: 30_000 }).toBe(count);
  expect(held).toHaveLength(allowed);
  isHolding = false;
  for (const response of held.splice(0)) response.end("done");
  return Promise.all(calls);
}

describe("max_concurrent: 8", () => {
  test("lets 8 of 1,000 calls at once through, and 8 more when they are over", async () => {
    const token = await tokenWith({ rules: RULES, limits: { max_concurrent: 8 } });
    for (let round = 0; round < 2; round += 1) {
      const statuses = await withHeldAnswers(1000 - round * 900, 8, [token]);
      expect([passed(statuses), refused(statuses)]).toEqual([8, 992 - round * 900]);
    }
  });

  test("counts a token's children with it, whatever limits they have", async () => {
    const parent = await tokenWith({ rules: RULES, limits: { max_concurrent: 8 } });
    const children = [
      await childOf(parent),
      await childOf(parent, { rules: RULES, limits: { max_concurrent: 5 } }),
    ];
    const statuses = await withHeldAnswers(99, 8, [parent, ...children, await childOf(children[0] ?? "")]);
    expect(passed(statuses)).toBe(8);
  });

  test("gives back the place of a call whose caller has gone", async () => {
    const token = await tokenWith({ rules: RULES, limits: { max_concurrent: 1 } });
    isHolding = true;
    const caller = new AbortController();
    const gone = fetch(`${vault.server.address}/proxy/api/v1/x`, {
      ...{ headers: { authorization: `Bearer ${token}` }, signal: caller.signal },
    }).catch(() => "gone");
    await eventually(() => held.length === 1);
    expect((await get(token)).status).toBe(429);
    caller.abort();
    isHolding = false;
    expect(await gone).toBe("gone");
    held.length = 0;
    await eventually(async () => (await get(token)).status === 200);
  });
});

test.each<[string, object, object, number]>([
  ["requests_per_minute", { requests_per_minute: 60 }, { requests_per_minute: 50 }, 60],
  ["max_uses", { max_uses: 10 }, { max_uses: 10 }, 10],
])("a token and its children together get what its %s allows", async (_, limits, childLimits, allowed) => {
  const parent = await tokenWith({ rules: RULES, limits });
  const child = await childOf(parent);
  const limited = await childOf(parent, { rules: RULES, limits: childLimits });
  const grandchild = await childOf(child);
  const statuses = await atOnce(400, [parent, child, limited, grandchild]);
  expect([passed(statuses), refused(statuses)]).toEqual([allowed, 400 - allowed]);
});

test("a token and its children share a cooldown", async () => {
  const parent = await tokenWith({ rules: [{ service: "api", cooldown: "300s" }] });
  const tokens = [parent, await childOf(parent), await childOf(parent)];
  expect(passed(await atOnce(99, tokens))).toBe(1);
});

describe("bytes_per_day", () => {
  test("is never exceeded by what parallel calls get", async () => {
    const token = await tokenWith({ rules: RULES, limits: { bytes_per_day: 15 * BODY_BYTES } });
    const bodies = await Promise.all(
      Array.from({ length: 60 }, () =>
        get(token, "/v1/bytes").then(
          ({ status, text }) => (status === 200 ? text.length : 0),
          () => 0,
        ),
      ),
    );
    const received = bodies.reduce((sum, length) => sum + length, 0);
    expect(received).toBeLessThanOrEqual(15 * BODY_BYTES);
    expect(received).toBeGreaterThan(10 * BODY_BYTES);
    const answer = await get(token, "/v1/bytes").catch(() => undefined);
    expect(answer?.status === 200 ? answer.text.length : 0).toBeLessThan(BODY_BYTES);
  });

  test("counts what is sent too, and refuses when all is used up", async () => {
    const token = await tokenWith({ rules: RULES, limits: { bytes_per_day: 1004 } });
    const send = (length: number): Promise<Answered> =>
      call(vault.server.address, "POST", "/proxy/api/v1/x", { token, body: "y".repeat(length) });
    expect((await send(1000)).status).toBe(200);
    const answer = await send(1);
    expect([answer.status, answer.headers["x-vault-error"]]).toEqual([429, "rate_limited"]);
    const midnight = 86_400 - (Math.floor(Date.now() / 1000) % 86_400);
    expect(Math.abs(Number(answer.headers["retry-after"]) - midnight)).toBeLessThan(5);
  });

  test("is used up by an answer that does not fit: whoever tries again reaches the upstream no more", async () => {
    const token = await tokenWith({ rules: RULES, limits: { bytes_per_day: BODY_BYTES + 100 } });
    expect((await get(token, "/v1/bytes")).status).toBe(200);
    const before = made;
    for (let tries = 0; tries < 5; tries += 1) {
      const answer = await get(token, "/v1/bytes");
      expect([answer.status, answer.headers["x-vault-error"]]).toEqual([429, "rate_limited"]);
      expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
      const lefts: Items = parseList(String(answer.headers.ratelimit));
      expect(lefts.map(([item, parameters]) => [item, parameters.get("r")])).toEqual([["bytes", 0]]);
    }
    expect(made - before).toBe(1);
    // What the caller got, not what the upstream said.
    const { json } = await call(vault.server.address, "GET", `/audit?token=${token.slice(0, 10)}`, {
      token: vault.admin,
    });
    const [, , , , cutOff] = (json as { entries: object[] }).entries;
    expect(cutOff).toMatchObject({ decision: "allow", status: 429, code: "rate_limited", bytes_out: 0 });
  });

  test("leaves the connection usable when it refuses a body on its way", async () => {
    const token = await tokenWith({ rules: RULES, limits: { bytes_per_day: 1000 } });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      const body = "y".repeat(950_000);
      const path = "/proxy/api/v1/x";
      const refused = await call(vault.server.address, "POST", path, { token, body, agent });
      expect(refused.status).toBe(429);
      expect((await call(vault.server.address, "GET", "/health", { agent })).status).toBe(200);
    } finally {
      agent.destroy();
    }
  });
});

/** Its own types name one of browsers, which Node's lack. */
type Items = readonly (readonly [unknown, ReadonlyMap<string, unknown>])[];

test.each<[string, object, number, readonly unknown[]]>([
  ["requests_per_minute", { requests_per_minute: 1 }, 60, ["requests", { q: 1, w: 60 }]],
  ["max_concurrent", { max_concurrent: 1 }, 1, ["concurrent", { q: 1, qu: "concurrent-requests" }]],
  ["max_uses", { max_uses: 1 }, NaN, ["uses", { q: 1 }]],
  ["bytes_per_day", { bytes_per_day: 4 }, 86_400, ["bytes", { q: 4, qu: "content-bytes", w: 86_400 }]],
])("a refusal by %s says how much there is, and when", async (limit, limits, longest, [name, expected]) => {
  // The child's own limits are as tight, and stand for both.
  const parent = await tokenWith({ rules: RULES, limits });
  const token = await childOf(parent, { rules: RULES, limits });
  isHolding = limit === "max_concurrent";
  const first = get(token);
  if (isHolding) await eventually(() => held.length === 1);
  else await first;
  const { status, headers } = await get(token);
  isHolding = false;
  for (const response of held.splice(0)) response.end("done");
  await first;

  expect([status, headers["x-vault-error"]]).toEqual([429, "rate_limited"]);
  const policies: Items = parseList(String(headers["ratelimit-policy"]));
  expect(policies.map(([item, parameters]) => [item, Object.fromEntries(parameters)])).toEqual([
    [name, expected],
  ]);
  const lefts: Items = parseList(String(headers.ratelimit));
  expect(lefts.map(([item, parameters]) => [item, parameters.get("r")])).toEqual([[name, 0]]);

  const retryAfter = headers["retry-after"];
  if (Number.isNaN(longest)) expect(retryAfter).toBeUndefined();
  else {
    expect(retryAfter).toMatch(/^[1-9]\d*$/);
    expect(Number(retryAfter)).toBeLessThanOrEqual(longest);
    const reset = lefts[0]?.[1].get("t");
    if (reset !== undefined) expect(reset).toBe(Number(retryAfter));
  }
});

test("a refusal by a cooldown says when it is over, in whole seconds from 1 on", async () => {
  const token = await tokenWith({ rules: [{ service: "api", cooldown: "1s" }] });
  expect((await get(token)).status).toBe(200);
  for (let answer = await get(token); answer.status === 429; answer = await get(token)) {
    expect(answer.headers["retry-after"]).toBe("1");
  }
});
