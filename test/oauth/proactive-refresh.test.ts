import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { call, unlock } from "../live/vault-calls.js";
import { expectRefusal, startRefreshWorld, type RefreshWorld } from "./refresh-world.js";
import { startScriptedTokenEndpoint, type ScriptedTokenEndpoint } from "./scripted-token-endpoint.js";

/*
 * Refresh by a timer, before anyone waits for it. The server's clock is moved; nothing here waits for real.
 */

const LIFE_S = 3600;
/** A refresh that has been started reaches the endpoint within this. */
const SETTLED_MS = 60;

let world: RefreshWorld;
let endpoint: ScriptedTokenEndpoint;
let admin: string;

beforeAll(async () => {
  world = await startRefreshWorld();
  admin = world.admin;
  endpoint = await startScriptedTokenEndpoint({ certificates: world.certificates });
});
afterAll(async () => {
  await world.close();
  await endpoint.close();
});
beforeEach(() => endpoint.reset());
afterEach(async () => {
  const { address } = world.clock.server;
  // The last test's is gone already.
  await call(address, "DELETE", "/services/timed", { token: admin });
});

/** A service that has just got a token. */
async function addFresh(expiresIn: number = LIFE_S): Promise<void> {
  endpoint.issuer.settings.expiresIn = expiresIn;
  await world.addOauth("timed", endpoint.issuer.grantAgain(), endpoint);
  expect((await world.proxy("timed")).status).toBe(200);
  endpoint.calls.length = 0;
}

async function advance(seconds: number): Promise<void> {
  await world.clock.advance(seconds * 1000);
  await delay(SETTLED_MS);
}

test("a token is renewed at nine tenths of its life, and again and again", async () => {
  await addFresh();
  await advance(0.9 * LIFE_S - 60);
  expect(endpoint.calls).toHaveLength(0);
  for (let turn = 1; turn <= 3; turn += 1) {
    const before = endpoint.issuer.accessToken;
    await world.untilSaved(() => advance(turn === 1 ? 65 : 0.9 * LIFE_S + 5));
    expect(endpoint.calls).toHaveLength(turn);
    expect(endpoint.issuer.accessToken).not.toBe(before);
    await expect.poll(async () => (await world.info("timed")).token_status).toBe("valid");
    expect((await world.proxy("timed")).status).toBe(200);
    expect(endpoint.apiCalls.at(-1)?.token).toBe(endpoint.issuer.accessToken);
  }
  expect(endpoint.calls).toHaveLength(3);
});

test("after a restart the timer goes on, with the token that was saved", async () => {
  await addFresh();
  await world.untilSaved(() => advance(0.9 * LIFE_S + 5));
  expect(endpoint.calls).toHaveLength(1);
  await world.restart("SIGKILL");
  admin = world.admin;
  expect((await world.proxy("timed")).status).toBe(200);
  expect(endpoint.calls).toHaveLength(1);
  await world.untilSaved(() => advance(0.9 * LIFE_S + 5));
  expect(endpoint.calls).toHaveLength(2);
  expect(endpoint.issuer.isRevoked).toBe(false);
});

test("a token that lives for seconds keeps no timer busy", async () => {
  await addFresh(10);
  await advance(25);
  expect(endpoint.calls).toHaveLength(0);
  for (let turn = 0; turn < 20; turn += 1) await advance(10);
  expect(endpoint.calls.length).toBeLessThanOrEqual(7);
});

test("a renewal that fails is tried again with growing waits, and the old token is used as long as it lives", async () => {
  await addFresh();
  const old = endpoint.issuer.accessToken;
  const times: number[] = [];
  endpoint.script = () => {
    times.push(world.clock.now() / 1000);
    // Told plainly, so that one refresh is one request.
    return { status: 401, body: { error: "invalid_client" } };
  };
  const logged = world.log().length;
  await advance(0.9 * LIFE_S);
  for (let step = 0; step < 60; step += 1) await advance(5);
  expect(times.length).toBeGreaterThanOrEqual(3);
  const waits = times.slice(1).map((time, index) => Math.round(time - (times[index] ?? 0)));
  console.log(`waits between failed renewals: ${waits.join(", ")} s`);
  // 30 s at first, with jitter; the clock moves by 5 s.
  for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(14);
  expect(waits[0]).toBeLessThanOrEqual(60);
  expect(Math.max(...waits)).toBeLessThanOrEqual(400);
  expect((await world.proxy("timed")).status).toBe(200);
  expect(endpoint.apiCalls.at(-1)?.token).toBe(old);
  const log = world.log().slice(logged);
  expect(log).toMatch(/refresh/i);
  expect(log).toContain("timed");
  expect(log).toContain("oauth2_refresh_failed");

  // Then it lives no more, and the caller is told.
  await advance(LIFE_S);
  expectRefusal(await world.proxy("timed"), 502, "oauth2_refresh_failed");
  endpoint.script = undefined;
  await advance(301);
  expect((await world.proxy("timed")).status).toBe(200);
});

test("a grant that is gone is not asked for again by a timer", async () => {
  await addFresh();
  endpoint.script = () => ({ status: 400, body: { error: "invalid_grant" } });
  await advance(0.9 * LIFE_S + 5);
  await endpoint.called(1);
  for (let step = 0; step < 10; step += 1) await advance(600);
  expect(endpoint.calls.length).toBeLessThanOrEqual(2);
  expectRefusal(await world.proxy("timed"), 502, "oauth2_reauthorization_required");
});

test("a lock stops the timer, an unlock starts it again", async () => {
  await addFresh();
  const { address } = world.clock.server;
  expect((await call(address, "POST", "/auth/lock", { token: admin, body: "{}" })).status).toBe(200);
  await advance(2 * LIFE_S);
  expect(endpoint.calls).toHaveLength(0);
  admin = await unlock(world.clock.server);
  await world.untilSaved(() => advance(31));
  expect(endpoint.calls).toHaveLength(1);
  await expect.poll(async () => (await world.info("timed")).token_status).toBe("valid");
});

test("a deleted service has no timer", async () => {
  await addFresh();
  const { address } = world.clock.server;
  expect((await call(address, "DELETE", "/services/timed", { token: admin })).status).toBe(200);
  await advance(2 * LIFE_S);
  expect(endpoint.calls).toHaveLength(0);
});
