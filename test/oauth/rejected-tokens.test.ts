import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { expectRefusal, startRefreshWorld, type RefreshWorld } from "./refresh-world.js";
import { startScriptedTokenEndpoint, type ScriptedTokenEndpoint } from "./scripted-token-endpoint.js";

/*
 * An API that refuses a token which is good by the vault's reckoning: revoked, or of an API whose clock is off.
 */

const REPLAYED_BYTES = 64 * 1024;
const OLD_ENOUGH_S = 120;

let world: RefreshWorld;
let endpoint: ScriptedTokenEndpoint;
let count = 0;

beforeAll(async () => {
  world = await startRefreshWorld();
  endpoint = await startScriptedTokenEndpoint({ certificates: world.certificates });
});
afterAll(async () => {
  await world.close();
  await endpoint.close();
});
beforeEach(() => endpoint.reset());
afterEach(() => world.removeServices());

/** A service whose token was given `age` seconds ago, lives for an hour, and has been revoked since. */
async function addRevoked(age = OLD_ENOUGH_S, settings: object = {}): Promise<string> {
  const name = `revoked-${(count += 1)}`;
  endpoint.issuer.issue();
  const now = Math.floor(world.clock.now() / 1000);
  const auth = { access_token: endpoint.issuer.accessToken, issued_at: now - age, expires_at: now + 3600 };
  await world.addOauth(name, endpoint.issuer.grantAgain(), { ...endpoint, auth, settings });
  endpoint.issuer.revokeAccessTokens();
  return name;
}

const apiStatuses = (): number[] => endpoint.apiCalls.map(({ status }) => status);

describe("a method that can be repeated is, once, with a new token, whatever the API says:", () => {
  test.each(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])("%s", async (method) => {
    const name = await addRevoked();
    endpoint.challenge = undefined;
    const answer = await world.proxy(name, { method });
    expect(answer.status).toBe(200);
    expect(apiStatuses()).toEqual([401, 200]);
    expect(endpoint.calls).toHaveLength(1);
    // The new token is kept.
    expect((await world.proxy(name)).status).toBe(200);
    expect(endpoint.calls).toHaveLength(1);
  });
});

describe("a method that cannot be repeated is only where the API says that it did nothing:", () => {
  const INVALID = [
    'Bearer error="invalid_token"',
    'Bearer realm="api", error="invalid_token", error_description="expired"',
    "Bearer error=invalid_token",
    'bearer ERROR="invalid_token"',
    'Basic realm="x", Bearer error="invalid_token"',
  ];
  const OTHERS = [
    undefined,
    "Bearer",
    'Bearer realm="api"',
    'Bearer error="insufficient_scope"',
    'Bearer error_description="error=invalid_token"',
    'Bearer error="invalid_request", error_description="no error=\\"invalid_token\\" here"',
    'Bearer realm="error=\\"invalid_token\\""',
  ];
  test.each(INVALID)("POST is after %s", async (challenge) => {
    const name = await addRevoked();
    endpoint.challenge = challenge;
    const answer = await world.proxy(name, { method: "POST", body: "x".repeat(1000) });
    expect(answer.status).toBe(200);
    expect(endpoint.apiCalls.map(({ bytes }) => bytes)).toEqual([1000, 1000]);
  });
  test.each(OTHERS)("POST is not after %s", async (challenge) => {
    const name = await addRevoked();
    endpoint.challenge = challenge;
    const answer = await world.proxy(name, { method: "POST", body: "x" });
    expect(answer.status).toBe(401);
    // It is the API's own answer.
    expect(answer.headers["x-vault-error"]).toBeUndefined();
    expect(answer.json).toMatchObject({ accepted: false });
    expect(apiStatuses()).toEqual([401]);
  });
  test("PATCH is not after a bare 401", async () => {
    const name = await addRevoked();
    endpoint.challenge = "Bearer";
    expect((await world.proxy(name, { method: "PATCH", body: "{}" })).status).toBe(401);
    expect(apiStatuses()).toEqual([401]);
  });
});

describe("a body is sent again if it is small enough to have been kept:", () => {
  const chunked = { "Transfer-Encoding": "chunked", "Content-Type": "application/octet-stream" };
  test.each([
    ["with a length", REPLAYED_BYTES, {}, true],
    ["with a length", REPLAYED_BYTES + 1, {}, false],
    ["in chunks", REPLAYED_BYTES, chunked, true],
    ["in chunks", REPLAYED_BYTES + 1, chunked, false],
  ])("%s, %i bytes", async (_how, bytes, headers, isReplayed) => {
    const name = await addRevoked();
    const body = randomBytes(bytes);
    const answer = await world.proxy(name, { method: "PUT", body, headers });
    expect(answer.status).toBe(isReplayed ? 200 : 401);
    expect(endpoint.apiCalls.map((call) => call.bytes)).toEqual(isReplayed ? [bytes, bytes] : [bytes]);
  });
});

test("a token younger than a minute is not renewed: it is the API that is wrong", async () => {
  const name = await addRevoked(50);
  for (let turn = 0; turn < 3; turn += 1) expect((await world.proxy(name)).status).toBe(401);
  expect(endpoint.calls).toEqual([]);
  expect(apiStatuses()).toEqual([401, 401, 401]);
  await world.clock.advance(15_000);
  expect((await world.proxy(name)).status).toBe(200);
});

test("an API that refuses the new token too is asked twice, not for ever", async () => {
  const name = await addRevoked();
  endpoint.issuer.settings.accepted = 0;
  try {
    for (let turn = 0; turn < 3; turn += 1) {
      const answer = await world.proxy(name);
      expect(answer.status).toBe(401);
      expect(answer.headers["x-vault-error"]).toBeUndefined();
    }
  } finally {
    endpoint.issuer.settings.accepted = 1;
  }
  expect(apiStatuses()).toHaveLength(4);
  expect(endpoint.calls).toHaveLength(1);
});

test("a hundred calls that are refused at once lead to one refresh, and each is repeated", async () => {
  const name = await addRevoked();
  const answers = await Promise.all(Array.from({ length: 100 }, () => world.proxy(name)));
  for (const { status } of answers) expect(status).toBe(200);
  expect(endpoint.calls).toHaveLength(1);
  expect(new Set(endpoint.apiCalls.map(({ token }) => token)).size).toBe(2);
});

test("where no new token is to be had, the caller gets the API's own 401", async () => {
  const name = await addRevoked();
  endpoint.script = () => ({ status: 401, body: { error: "invalid_client" } });
  const answer = await world.proxy(name);
  expect(answer.status).toBe(401);
  expect(answer.headers["x-vault-error"]).toBeUndefined();
  expect(apiStatuses()).toEqual([401]);
});

describe("the cookies of a 401 are the service's session,", () => {
  test("also where nobody sees it because the call was repeated", async () => {
    const name = await addRevoked(OLD_ENOUGH_S, { session_cookies: true });
    endpoint.refusalCookie = "sid=from-a-401";
    expect((await world.proxy(name)).status).toBe(200);
    await world.proxy(name);
    expect(endpoint.apiCalls.map(({ status }) => status)).toEqual([401, 200, 200]);
    expect(endpoint.apiCalls.at(-1)?.cookie).toBe("sid=from-a-401");
  });

  test("as of when it came, not of when it was shown", async () => {
    const name = await addRevoked(OLD_ENOUGH_S, { session_cookies: true });
    endpoint.challenge = undefined;
    endpoint.refusalCookie = "sid=earlier";
    let refuse: () => void = () => undefined;
    const refused = new Promise<void>((resolve) => (refuse = resolve));
    endpoint.script = async () => {
      await refused;
      return { status: 401, body: { error: "invalid_client" } };
    };
    const held = world.proxy(name);
    await endpoint.called(1);
    endpoint.refusalCookie = "sid=later";
    // Not repeated, and so not held.
    expect((await world.proxy(name, { method: "POST", body: "x" })).status).toBe(401);
    refuse();
    expect((await held).status).toBe(401);
    await world.proxy(name, { method: "POST", body: "x" });
    expect(endpoint.apiCalls.at(-1)?.cookie).toBe("sid=later");
  });
});

test("where the grant is gone, the next call says so", async () => {
  const name = await addRevoked();
  endpoint.script = () => ({ status: 400, body: { error: "invalid_grant" } });
  expect((await world.proxy(name)).status).toBe(401);
  await world.clock.advance(2 * 3600_000);
  expectRefusal(await world.proxy(name), 502, "oauth2_reauthorization_required");
});

test("a credential that does not change is not tried again", async () => {
  await world.add({
    name: "bearer",
    base_url: endpoint.apiUrl,
    allow_private: true,
    tls_ca: world.certificates.ca,
    auth: { type: "bearer", token: "a-token-that-is-not-known" },
  });
  expect((await world.proxy("bearer")).status).toBe(401);
  expect(apiStatuses()).toEqual([401]);
});
