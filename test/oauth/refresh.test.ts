import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Answered } from "../live/vault-calls.js";
import { startOidcProvider, type OidcProvider } from "./oidc-provider.js";
import { PERSON } from "./login-pages.js";
import type { ClientKind } from "./provider-clients.js";
import { expectRefusal, startRefreshWorld, type RefreshWorld } from "./refresh-world.js";

/*
 * Refresh against the certified provider, which rotates refresh tokens and ends the grant when one is used twice.
 */

const CALLS = 500;
/** The longest that a call may be kept waiting by a provider that fails. */
const DEADLINE_MS = 30_000;
/** After that, a token that is said to live for a second is not used any more. */
const SHORT_LIFE_MS = 1100;

let world: RefreshWorld;
let provider: OidcProvider;

beforeAll(async () => {
  world = await startRefreshWorld();
  provider = await startOidcProvider({ certificates: world.certificates });
});
afterAll(async () => {
  await world.close();
  await provider.close();
});
beforeEach(() => {
  provider.calls.length = 0;
  provider.apiCalls.length = 0;
  provider.tokenFaults.length = 0;
  provider.settings.toldSeconds = undefined;
});
afterEach(() => world.removeServices());

const AUTH: Readonly<Record<ClientKind, string>> = {
  client_secret_basic: "basic",
  client_secret_post: "post",
  client_secret_jwt: "client_secret_jwt",
  private_key_jwt: "private_key_jwt",
  none: "none",
};
const SEEN_AS: Readonly<Record<ClientKind, string>> = {
  client_secret_basic: "basic",
  client_secret_post: "post",
  client_secret_jwt: "assertion",
  private_key_jwt: "assertion",
  none: "none",
};
const KINDS = Object.keys(AUTH) as ClientKind[];

async function addService(kind: ClientKind, auth: object = {}): Promise<string> {
  const name = kind.replaceAll("_", "-");
  const { id, secret, privateKey, keyId } = provider.clients[kind];
  const isRefresh = !("grant" in auth);
  if (privateKey !== "") expect((await world.upload("client.pem", privateKey)).status).toBe(201);
  await world.add({
    name,
    base_url: provider.endpoints.api,
    allow_private: true,
    tls_ca: world.certificates.ca,
    auth: {
      type: "oauth2_client",
      client_id: id,
      client_auth: AUTH[kind],
      token_url: provider.endpoints.token,
      ...(secret === "" ? {} : { client_secret: secret }),
      ...(privateKey === "" ? {} : { client_key_file: "client.pem", client_key_id: keyId }),
      ...(isRefresh ? { refresh_token: await provider.issueRefreshToken(kind) } : {}),
      ...auth,
    },
  });
  return name;
}

/** A service that has been used, and whose token has expired since. */
async function addExpired(): Promise<string> {
  provider.settings.toldSeconds = 1;
  const name = await addService("client_secret_post");
  expect((await world.proxy(name, { target: "/me" })).status).toBe(200);
  await delay(SHORT_LIFE_MS);
  expect(await world.info(name)).toMatchObject({ token_status: "expired" });
  provider.settings.toldSeconds = undefined;
  provider.calls.length = 0;
  provider.apiCalls.length = 0;
  return name;
}

const callAtOnce = (name: string): Promise<Answered[]> =>
  Promise.all(Array.from({ length: CALLS }, () => world.proxy(name, { target: "/me" })));

function expectAllWithOneToken(answers: readonly Answered[]): void {
  for (const { status, text } of answers) expect({ status, text }).toMatchObject({ status: 200 });
  expect(answers[0]?.json).toMatchObject({ sub: PERSON.login });
  expect(provider.apiCalls).toHaveLength(CALLS);
  expect(new Set(provider.apiCalls.map(({ token }) => token)).size).toBe(1);
}

test("a refresh token rotates, and the new one is used the next time, however the client proves itself", async () => {
  provider.settings.toldSeconds = 1;
  const names = new Map<ClientKind, string>();
  for (const kind of KINDS) names.set(kind, await addService(kind));
  for (let turn = 1; turn <= 3; turn += 1) {
    if (turn === 3) await world.restart("SIGKILL");
    for (const [kind, name] of names) {
      const { json, text } = await world.proxy(name, { target: "/me" });
      const { id } = provider.clients[kind];
      expect(json, `${kind}: ${text}`).toMatchObject({ sub: PERSON.login, client_id: id });
      const calls = provider.calls.filter(({ grant, clientId }) => grant !== undefined && clientId === id);
      expect(calls).toHaveLength(turn);
      expect(calls.at(-1)).toMatchObject({ clientAuth: SEEN_AS[kind], status: 200 });
    }
    await delay(SHORT_LIFE_MS);
  }
});

describe("a client gets tokens by its own credentials:", () => {
  test.each(KINDS.filter((kind) => kind !== "none"))("%s", async (kind) => {
    const name = await addService(kind, {
      grant: "client_credentials",
      scopes: ["notes:read", "notes:write"],
    });
    const answers = [await world.proxy(name, { target: "/me" }), await world.proxy(name, { target: "/me" })];
    for (const answer of answers) {
      expect(answer.json, answer.text).toMatchObject({
        client_id: provider.clients[kind].id,
        scope: "notes:read notes:write",
      });
    }
    expect(provider.tokenCalls("client_credentials")).toBe(1);
  });
});

describe(`${CALLS} calls at once on an expired token:`, () => {
  test("one refresh, and all go through with the new token", async () => {
    const name = await addExpired();
    const began = Date.now();
    expectAllWithOneToken(await callAtOnce(name));
    expect(provider.tokenCalls()).toBe(1);
    console.log(`${CALLS} calls: 1 refresh, ${Date.now() - began} ms`);
  });

  test("the same while the provider takes five seconds", async () => {
    const name = await addExpired();
    provider.tokenFaults.push({ delayMs: 5000 });
    const began = Date.now();
    expectAllWithOneToken(await callAtOnce(name));
    expect(provider.tokenCalls()).toBe(1);
    console.log(`${CALLS} calls, slow provider: 1 refresh, ${Date.now() - began} ms`);
  });

  test("the same when the provider fails twice and then does not", async () => {
    const name = await addExpired();
    provider.tokenFaults.push({ status: 503 }, { status: 503 });
    const began = Date.now();
    expectAllWithOneToken(await callAtOnce(name));
    console.log(
      `${CALLS} calls, two failures: ${provider.tokenCalls()} token calls, ${Date.now() - began} ms`,
    );
    expect(provider.tokenCalls()).toBe(3);
  });

  test("a grant that is gone is told to all of them, after one call to the provider", async () => {
    const name = await addExpired();
    provider.store.forget("Grant");
    const began = Date.now();
    const answers = await callAtOnce(name);
    const took = Date.now() - began;
    for (const answer of answers) expectRefusal(answer, 502, "oauth2_reauthorization_required");
    expect(took).toBeLessThan(DEADLINE_MS);
    // Whoever comes later is told at once.
    expectRefusal(await world.proxy(name), 502, "oauth2_reauthorization_required");
    console.log(`${CALLS + 1} calls, grant gone: ${provider.tokenCalls()} token calls, ${took} ms`);
    expect(provider.tokenCalls()).toBe(1);
    expect(provider.apiCalls).toEqual([]);
  });

  test("a provider that is down is not hammered, and all are told in time", async () => {
    const name = await addExpired();
    for (let fault = 0; fault < 1000; fault += 1) provider.tokenFaults.push({ status: 503 });
    const began = Date.now();
    const answers = await callAtOnce(name);
    const took = Date.now() - began;
    for (const answer of answers) expectRefusal(answer, 502, "oauth2_refresh_failed");
    expect(took).toBeLessThan(DEADLINE_MS);
    const duringTheCalls = provider.tokenCalls();
    const more = await Promise.all(Array.from({ length: 50 }, () => world.proxy(name)));
    for (const answer of more) expectRefusal(answer, 502, "oauth2_refresh_failed");
    console.log(
      `${CALLS} calls, provider down: ${duringTheCalls} token calls, ${took} ms; 50 more: ` +
        `${provider.tokenCalls() - duringTheCalls} more`,
    );
    expect(duringTheCalls).toBeLessThanOrEqual(5);
    expect(provider.tokenCalls() - duringTheCalls).toBeLessThanOrEqual(5);
    provider.tokenFaults.length = 0;
    await world.clock.advance(5 * 60_000);
    expect((await world.proxy(name, { target: "/me" })).status).toBe(200);
  });
});

test("an answer that got lost on its way costs the grant only with a provider that says so", async () => {
  const name = await addExpired();
  provider.tokenFaults.push({ loseAnswer: true });
  expectRefusal(await world.proxy(name), 502, "oauth2_reauthorization_required");
  // The old refresh token was sent once more: it could not be known that it had been used.
  expect(provider.calls.filter(({ grant }) => grant !== undefined).map(({ status }) => status)).toEqual([
    200, 400,
  ]);
});
