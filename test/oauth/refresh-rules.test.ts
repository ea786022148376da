import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startUpstream } from "../live/tls-upstream.js";
import { call, unlock, type Answered } from "../live/vault-calls.js";
import { CLIENT_SECRET, expectRefusal, startRefreshWorld, type RefreshWorld } from "./refresh-world.js";
import {
  startScriptedTokenEndpoint,
  type ScriptedTokenEndpoint,
  type TokenAnswer,
} from "./scripted-token-endpoint.js";

/*
 * What else holds while tokens are refreshed: locks, changes by an admin, where requests may go, what is shown of it.
 */

const GRACE_MS = 600_000;
/** For tests that let many tokens expire: the server's own live for a day. */
const LIFE_S = 60;

let world: RefreshWorld;
let endpoint: ScriptedTokenEndpoint;
let admin: string;
const refreshTokens = new Set<string>();

beforeAll(async () => {
  world = await startRefreshWorld();
  admin = world.admin;
  endpoint = await startScriptedTokenEndpoint({
    certificates: world.certificates,
    issuer: { graceMs: GRACE_MS },
  });
});
afterAll(async () => {
  await world.close();
  await endpoint.close();
});
beforeEach(() => {
  endpoint.reset();
  endpoint.issuer.settings.expiresIn = 3600;
});
afterEach(() => world.removeServices());

const manage = (method: string, path: string, body?: object): Promise<Answered> =>
  call(world.clock.server.address, method, path, {
    token: admin,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

async function add(name: string, auth: object = {}, settings: object = {}): Promise<string> {
  const refreshToken = endpoint.issuer.grantAgain();
  refreshTokens.add(refreshToken);
  await world.addOauth(name, refreshToken, { ...endpoint, auth, settings });
  return refreshToken;
}

/** Makes the endpoint hold its next answer back, with everything done for it, until it is let go. */
function holdAnswer(): { arrived: Promise<void>; release: () => void } {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const arrived = endpoint.called(1);
  endpoint.script = async ({ parameters }): Promise<TokenAnswer> => {
    endpoint.script = undefined;
    const { status, json } = endpoint.issuer.refresh(parameters.refresh_token);
    await released;
    return { status, body: json };
  };
  return { arrived, release };
}

const fingerprint = (): string =>
  createHash("sha256")
    .update(readFileSync(join(world.dataDir, "vault.enc")))
    .digest("hex");

const shown = async (name: string): Promise<object | undefined> => {
  const answer = await call(world.clock.server.address, "GET", "/health/tokens", { token: world.token });
  expect(answer.status).toBe(200);
  return (answer.json as { name: string }[]).find((entry) => entry.name === name);
};

describe("a lock in the middle of a refresh", () => {
  test("abandons it without writing, and answers whoever waits", async () => {
    const refreshToken = await add("locked");
    const { arrived, release } = holdAnswer();
    const waiting = world.proxy("locked");
    await arrived;
    const began = Date.now();
    expect((await manage("POST", "/auth/lock", {})).status).toBe(200);
    expect(Date.now() - began).toBeLessThan(2000);
    const before = fingerprint();
    expectRefusal(await waiting, 423, "vault_locked");
    release();
    await delay(300);
    expect(fingerprint()).toBe(before);
    admin = await unlock(world.clock.server);
    expect((await world.proxy("locked")).status).toBe(200);
    // The answer that was abandoned took nothing with it: the old refresh token, within its grace.
    expect(endpoint.calls.at(-1)?.parameters.refresh_token).toBe(refreshToken);
    expect(world.log()).not.toContain("could not be saved");
  });

  test("when the answer comes at the very time of the lock, either has it or has it not", async () => {
    endpoint.issuer.settings.expiresIn = LIFE_S;
    await add("racing");
    for (let turn = 0; turn < 10; turn += 1) {
      const { arrived, release } = holdAnswer();
      const waiting = world.proxy("racing");
      await arrived;
      release();
      if (turn % 2 === 1) await delay(turn);
      expect((await manage("POST", "/auth/lock", {})).status).toBe(200);
      const answer = await waiting;
      expect([200, 423], answer.text).toContain(answer.status);
      admin = await unlock(world.clock.server);
      expect((await world.proxy("racing")).status).toBe(200);
      endpoint.reset();
      await world.clock.advance(LIFE_S * 1000);
    }
    expect(endpoint.issuer.isRevoked).toBe(false);
    expect(world.log()).not.toContain("could not be saved");
  });
});

describe("an admin changes a service in the middle of a refresh:", () => {
  const definition = (more: object = {}, auth: object = {}): object => ({
    base_url: endpoint.apiUrl,
    allow_private: true,
    tls_ca: world.certificates.ca,
    auth: { type: "oauth2_client", client_id: "client", token_url: endpoint.tokenUrl, ...auth },
    ...more,
  });

  test("another description leaves it alone, and the rotated token is kept", async () => {
    await add("described");
    const { arrived, release } = holdAnswer();
    const waiting = world.proxy("described");
    await arrived;
    const put = await manage("PUT", "/services/described", definition({ description: "changed" }));
    expect(put.status, put.text).toBe(200);
    release();
    const answer = await waiting;
    expect(answer.status, answer.text).toBe(200);
    await world.clock.advance(3600_000);
    expect((await world.proxy("described")).status).toBe(200);
    expect(endpoint.calls.at(-1)?.parameters.refresh_token).toBe(endpoint.issuer.refreshTokens.at(-2));
    expect(await world.info("described")).toMatchObject({ description: "changed" });
  });

  test("changes at every moment of a refresh never bring an old refresh token back", async () => {
    endpoint.issuer.settings.graceMs = 0;
    try {
      endpoint.issuer.settings.expiresIn = LIFE_S;
      await add("changing");
      for (let turn = 0; turn < 20; turn += 1) {
        const waiting = world.proxy("changing");
        await endpoint.called(turn + 1);
        await delay(turn % 10);
        const put = await manage("PUT", "/services/changing", definition({ description: `turn ${turn}` }));
        expect(put.status, put.text).toBe(200);
        const answer = await waiting;
        expect(answer.status, answer.text).toBe(200);
        await world.clock.advance(LIFE_S * 1000);
      }
      const used = endpoint.calls.map(({ parameters }) => parameters.refresh_token);
      expect(used.length).toBeGreaterThanOrEqual(20);
      expect(new Set(used).size).toBe(used.length);
      expect(endpoint.issuer.isRevoked).toBe(false);
    } finally {
      endpoint.issuer.settings.graceMs = GRACE_MS;
    }
  });

  test("another refresh token wins over the one that was on its way", async () => {
    await add("reauthorized");
    const { arrived, release } = holdAnswer();
    const waiting = world.proxy("reauthorized");
    await arrived;
    const fresh = "rt-by-the-admin-0123456789";
    const put = await manage("PUT", "/services/reauthorized", definition({}, { refresh_token: fresh }));
    expect(put.status, put.text).toBe(200);
    release();
    await waiting;
    endpoint.reset();
    endpoint.script = () => ({ body: endpoint.issuer.issue().json });
    expect((await world.proxy("reauthorized")).status).toBe(200);
    expect(endpoint.calls[0]?.parameters.refresh_token).toBe(fresh);
  });

  test("a grant that was gone works at once after a new refresh token was stored", async () => {
    await add("mended");
    endpoint.script = () => ({ status: 400, body: { error: "invalid_grant" } });
    expectRefusal(await world.proxy("mended"), 502, "oauth2_reauthorization_required");
    endpoint.reset();
    const refresh_token = endpoint.issuer.grantAgain();
    expect((await manage("PUT", "/services/mended", definition({}, { refresh_token }))).status).toBe(200);
    expect((await world.proxy("mended")).status).toBe(200);
  });

  test("a service that is deleted takes its refresh with it", async () => {
    await add("deleted");
    const { arrived, release } = holdAnswer();
    const waiting = world.proxy("deleted");
    await arrived;
    expect((await manage("DELETE", "/services/deleted")).status).toBe(200);
    release();
    expectRefusal(await waiting, 404, "not_found");
    await delay(100);
    expect((await manage("GET", "/services/deleted")).status).toBe(404);
  });
});

test("an API that cannot be reached is told as with any other service", async () => {
  const refreshToken = endpoint.issuer.grantAgain();
  // Nobody listens there: the port was somebody's a moment ago.
  const gone = await startUpstream(undefined);
  await gone.close();
  await world.addOauth("unreachable", refreshToken, {
    tokenUrl: endpoint.tokenUrl,
    apiUrl: gone.origin.replace("http:", "https:"),
  });
  for (const method of ["GET", "POST"]) {
    expectRefusal(await world.proxy("unreachable", { method }), 502, "upstream_failed");
  }
});

describe("where a token request may go:", () => {
  test.each([
    ["a private address", "https://10.0.0.1/token"],
    ["loopback", "https://127.0.0.1/token"],
    ["cloud metadata", "https://169.254.169.254/latest/token"],
    ["plain http", "http://oauth.example.test/token"],
    ["a file", "file:///etc/passwd"],
    ["a password in it", "https://user:pw@oauth.example.test/token"],
  ])("%s is refused when the service is stored", async (_what, token_url) => {
    const answer = await manage("POST", "/services", {
      name: "refused",
      base_url: "https://api.example.test",
      auth: { type: "oauth2_client", client_id: "c", client_secret: "s", refresh_token: "r", token_url },
    });
    expect(answer.status, answer.text).toBe(400);
    expect(answer.text).toContain("token_url");
  });

  test("a name that leads to a private address is refused when it is asked", async () => {
    const answer = await manage("POST", "/services", {
      name: "resolved",
      base_url: "https://api.example.test",
      auth: {
        type: "oauth2_client",
        client_id: "c",
        client_secret: "s",
        refresh_token: "r",
        token_url: endpoint.tokenUrl.replace("127.0.0.1", "localhost"),
      },
    });
    if (answer.status === 201) {
      const refused = await world.proxy("resolved");
      expect(refused.json).toMatchObject({ code: "destination_blocked" });
      expect(refused.status).toBe(403);
    } else expect(answer.status).toBe(400);
    expect(endpoint.calls).toEqual([]);
  });

  test("cloud metadata is refused even where private addresses are allowed", async () => {
    const answer = await manage("POST", "/services", {
      name: "metadata",
      base_url: endpoint.apiUrl,
      allow_private: true,
      auth: {
        type: "oauth2_client",
        client_id: "c",
        client_secret: "s",
        refresh_token: "r",
        token_url: "http://169.254.169.254/token",
      },
    });
    expect(answer.status, answer.text).toBe(400);
  });

  test("a certificate that is not trusted gets no credential", async () => {
    const name = "untrusted";
    await world.add({
      name,
      base_url: endpoint.apiUrl,
      allow_private: true,
      auth: {
        type: "oauth2_client",
        client_id: "client",
        client_secret: CLIENT_SECRET,
        refresh_token: endpoint.issuer.refreshToken,
        token_url: endpoint.tokenUrl,
      },
    });
    expectRefusal(await world.proxy(name), 502, "oauth2_refresh_failed");
    expect(endpoint.calls).toEqual([]);
  });
});

describe("what is shown of a token:", () => {
  test("nothing before the first, then until when, and its status", async () => {
    await add("shown", { scopes: ["a", "b"] });
    expect(await shown("shown")).toMatchObject({ name: "shown", auth_type: "oauth2_client" });
    expect((await world.proxy("shown")).status).toBe(200);
    const expiresAt = Math.round(world.clock.now() / 1000) + 3600;
    const entry = (await shown("shown")) as { expires_at: number };
    expect(entry).toEqual({
      name: "shown",
      auth_type: "oauth2_client",
      expires_at: entry.expires_at,
      token_status: "valid",
    });
    expect(Math.abs(entry.expires_at - expiresAt)).toBeLessThan(5);
    expect(await world.info("shown")).toMatchObject({
      auth_type: "oauth2_client",
      scopes: ["a", "b"],
      expires_at: entry.expires_at,
      token_status: "valid",
    });
    endpoint.script = () => ({ status: 503 });
    await world.clock.advance(1801_000);
    expect(await shown("shown")).toMatchObject({ token_status: "expiring" });
    await world.clock.advance(1800_000);
    expect(await shown("shown")).toMatchObject({ token_status: "expired" });
    expect(await world.info("shown")).toMatchObject({ token_status: "expired" });
  });

  test("no service without a token that expires is in the list, and it wants a token of the vault", async () => {
    await world.add({
      name: "plain",
      base_url: "https://api.example.test",
      auth: { type: "bearer", token: "plain-bearer-token" },
    });
    expect(await shown("plain")).toBeUndefined();
    expect(await world.info("plain")).not.toHaveProperty("token_status");
    expect((await call(world.clock.server.address, "GET", "/health/tokens")).status).toBe(401);
  });
});

test("an upstream that echoes tokens, also one that is no longer current, gets them taken out", async () => {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const upstream = await startUpstream(world.certificates, async (request, response) => {
    const { authorization = "" } = request.headers;
    if (request.url?.includes("slow") === true) await released;
    response.setHeader("Content-Type", "application/json").end(JSON.stringify({ authorization }));
  });
  try {
    await add("echo", {}, { base_url: upstream.origin });
    const slow = world.proxy("echo", { target: "/slow" });
    while (upstream.connections() === 0) await delay(5);
    await delay(50);
    const old = endpoint.issuer.accessToken;
    expect(old).not.toBe("");
    // Meanwhile the token is replaced.
    await world.clock.advance(3600_000);
    const quick = await world.proxy("echo", { target: "/quick" });
    expect(quick.status).toBe(200);
    expect(endpoint.issuer.accessToken).not.toBe(old);
    expect(quick.text).not.toContain(endpoint.issuer.accessToken);
    release();
    const late = await slow;
    expect(late.status).toBe(200);
    expect(late.text).not.toContain(old);
  } finally {
    release();
    await upstream.close();
  }
});

test("neither tokens nor secrets are in the log, or in the vault file in clear", () => {
  const log = world.log();
  const file = readFileSync(join(world.dataDir, "vault.enc"), "latin1");
  const secrets = [
    ...refreshTokens,
    ...endpoint.issuer.refreshTokens,
    ...endpoint.issuer.accessTokens,
    CLIENT_SECRET,
  ];
  for (const secret of secrets) {
    expect(log).not.toContain(secret);
    expect(file).not.toContain(secret);
  }
});
