import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { secretsOf } from "../auth-strategies/service-definition.js";
import type { Answer, ControlPlaneFixture } from "./testing/control-plane-fixture.js";
import {
  multipart,
  MULTIPART_HEADERS,
  PASSWORD,
  startControlPlane,
} from "./testing/control-plane-fixture.js";
import { startScriptedProvider, type ScriptedProvider } from "./testing/scripted-provider.js";

const CLIENT_SECRET = "client-s3cret-0123456789";
const ACCESS = "access-token-0123456789";
const REFRESH = "refresh-token-0123456789";
const CODE = "code-0123456789";
const CALLBACK = "/auth/oauth2/callback";
const GRANTED = { access_token: ACCESS, token_type: "Bearer", expires_in: 3600, refresh_token: REFRESH };

let fixture: ControlPlaneFixture;
let provider: ScriptedProvider;
let admin: string;

beforeAll(async () => {
  fixture = await startControlPlane();
  provider = await startScriptedProvider();
  ({ admin } = fixture);
});
afterAll(async () => {
  await fixture.close();
  await provider.close();
});
beforeEach(() => {
  provider.requests.length = 0;
  provider.answer({ body: GRANTED });
});

const loginBody = (more: object = {}): object => ({
  service_name: "api",
  base_url: "https://api.example.com/v1",
  scopes: ["read", "write"],
  client_id: "client-1",
  client_secret: CLIENT_SECRET,
  auth_url: "https://accounts.example.com/authorize",
  token_url: `${provider.origin}/token`,
  allow_private: true,
  ...more,
});

interface Started {
  readonly auth_url: string;
  readonly state: string;
  readonly redirect_uri: string;
  readonly flow: string;
  readonly expires_at: string;
}

async function authorize(more: object = {}): Promise<Started> {
  const answer = await fixture.call("POST", "/auth/oauth2/authorize", {
    token: admin,
    json: loginBody(more),
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.json as Started;
}
const callback = (parameters: Readonly<Record<string, string>>): Promise<Answer> =>
  fixture.call("GET", `${CALLBACK}?${new URLSearchParams(parameters).toString()}`);
const statusOf = async (flow: string): Promise<unknown> =>
  (await fixture.call("GET", `/auth/oauth2/flows/${flow}`, { token: admin })).json;
const authorizeRefused = async (more: object): Promise<string> => {
  const answer = await fixture.call("POST", "/auth/oauth2/authorize", {
    token: admin,
    json: loginBody(more),
  });
  expect(answer.status).toBe(400);
  return (answer.json as { error: string }).error;
};

async function upload(name: string, content: unknown): Promise<void> {
  const body = multipart(
    ['name="name"', undefined, name],
    [`name="file"; filename="${name}"`, "application/json", JSON.stringify(content)],
  );
  const answer = await fixture.call("POST", "/files", {
    token: admin,
    body: new Uint8Array(body),
    headers: MULTIPART_HEADERS,
  });
  expect(answer.status).toBe(201);
}

function storedSecrets(name: string): string[] {
  const record = fixture.parts.services.records.get(name);
  if (record === undefined) throw new Error(`no service ${name}`);
  return secretsOf(record).map((secret) => secret.reveal());
}

describe("a login in a browser", () => {
  test("sends the person to the provider with PKCE, and stores what the code is exchanged for", async () => {
    const started = await authorize({ authorize_params: { audience: "x", prompt: "login" } });
    const sent = new URL(started.auth_url);
    const parameters = Object.fromEntries(sent.searchParams);
    expect(sent.origin + sent.pathname).toBe("https://accounts.example.com/authorize");
    expect(parameters).toEqual({
      response_type: "code",
      client_id: "client-1",
      redirect_uri: "http://127.0.0.1:8390/auth/oauth2/callback",
      scope: "read write",
      state: started.state,
      access_type: "offline",
      prompt: "login",
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as unknown,
      code_challenge_method: "S256",
      audience: "x",
    });
    expect(started.state).toMatch(/^[\w-]{43}$/);
    expect(Date.parse(started.expires_at)).toBe(fixture.now() + 300_000);
    expect(await statusOf(started.flow)).toEqual({ status: "pending", service_name: "api" });
    expect(JSON.stringify(started)).not.toContain(CLIENT_SECRET);

    const page = await callback({ state: started.state, code: CODE });
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.text).toContain("Login complete");
    expect(await statusOf(started.flow)).toEqual({ status: "done", service_name: "api" });

    const [request] = provider.requests;
    expect(request).toMatchObject({
      path: "/token",
      parameters: {
        grant_type: "authorization_code",
        code: CODE,
        redirect_uri: started.redirect_uri,
        client_id: "client-1",
        client_secret: CLIENT_SECRET,
      },
    });
    const verifier = request?.parameters.code_verifier ?? "";
    expect(createHash("sha256").update(verifier).digest("base64url")).toBe(parameters.code_challenge);
    expect(started.auth_url).not.toContain(verifier);

    const stored = fixture.parts.services.records.get("api");
    expect(stored).toMatchObject({
      base_url: "https://api.example.com/v1",
      allow_private: true,
      auth: {
        type: "oauth2_client",
        client_id: "client-1",
        token_url: `${provider.origin}/token`,
        scopes: ["read", "write"],
        expires_at: fixture.now() / 1000 + 3600,
      },
    });
    expect(storedSecrets("api").sort()).toEqual([ACCESS, CLIENT_SECRET, REFRESH].sort());
    const told = [started, page.text, fixture.logged, [...page.headers]].map((value) =>
      JSON.stringify(value),
    );
    for (const secret of [ACCESS, REFRESH, CLIENT_SECRET, verifier, CODE]) {
      expect(told.join()).not.toContain(secret);
    }
  });

  test("replaces the service of that name, with all that was said of it", async () => {
    const { state } = await authorize({ description: "second", headers: { "X-A": "b" }, idle_timeout: "5s" });
    await callback({ state, code: CODE });
    expect(fixture.parts.services.records.get("api")).toMatchObject({
      description: "second",
      headers: { "X-A": "b" },
      idle_timeout: "5s",
    });
  });

  test("proves the client as the provider wants it, and sends further parameters", async () => {
    const { state } = await authorize({
      ...{ client_auth: "basic", token_body: "json", extra: { audience: "x" }, scope_separator: "," },
    });
    await callback({ state, code: CODE });
    const [request] = provider.requests;
    expect(request).toMatchObject({
      authorization: `Basic ${Buffer.from(`client-1:${encodeURIComponent(CLIENT_SECRET).replaceAll("-", "%2D")}`.replace("client-1", "client%2D1")).toString("base64")}`,
      contentType: "application/json",
      parameters: { grant_type: "authorization_code", audience: "x", code: CODE },
    });
    expect(request?.parameters).not.toHaveProperty("client_secret");
  });

  test("by a public client sends no secret", async () => {
    const { state } = await authorize({ client_secret: undefined });
    expect((await callback({ state, code: CODE })).status).toBe(200);
    expect(provider.requests[0]?.parameters).not.toHaveProperty("client_secret");
    expect(storedSecrets("api").sort()).toEqual([ACCESS, REFRESH]);
  });

  test("with a client file of Google needs nothing else", async () => {
    await upload("client.json", {
      installed: {
        client_id: "google-1",
        client_secret: CLIENT_SECRET,
        auth_uri: "https://accounts.google.com/o/oauth2/auth",
        token_uri: `${provider.origin}/google`,
        redirect_uris: ["http://localhost"],
      },
    });
    const file = {
      client_id: undefined,
      client_secret: undefined,
      auth_url: undefined,
      token_url: undefined,
    };
    const { auth_url, state, redirect_uri } = await authorize({ ...file, client_secret_file: "client.json" });
    expect(auth_url).toMatch(/^https:\/\/accounts\.google\.com\/o\/oauth2\/auth\?.*client_id=google-1&/);
    expect(redirect_uri).toBe("http://localhost:8390/auth/oauth2/callback");
    // What happens to the file from now on does not matter.
    await fixture.call("DELETE", "/files/client.json", { token: admin });
    expect((await callback({ state, code: CODE })).status).toBe(200);
    expect(provider.requests[0]).toMatchObject({ path: "/google", parameters: { redirect_uri } });
    expect(fixture.parts.services.records.get("api")?.auth).toMatchObject({ client_id: "google-1" });
  });

  test("that gives a token which never ends makes a bearer service, if that was asked for", async () => {
    provider.answer({ body: { access_token: ACCESS, token_type: "bearer", scope: "repo" } });
    const { state } = await authorize({ long_lived_token: true });
    expect((await callback({ state, code: CODE })).status).toBe(200);
    expect(fixture.parts.services.records.get("api")?.auth.type).toBe("bearer");
    expect(storedSecrets("api")).toEqual([ACCESS]);
  });

  test.each([
    ["a token without end, which was not asked for", {}, { access_token: ACCESS }],
    [
      "a token that ends, without one to refresh it",
      { long_lived_token: true },
      { access_token: ACCESS, expires_in: 60 },
    ],
  ])("that gives %s stores nothing", async (_title, more, body) => {
    provider.answer({ body });
    const before = fixture.snapshot();
    const { state, flow } = await authorize(more);
    const page = await callback({ state, code: CODE });
    expect(page.status).toBe(502);
    expect(page.text).toContain("no refresh token");
    expect(await statusOf(flow)).toMatchObject({ status: "failed", code: "no_refresh_token" });
    expect(fixture.snapshot()).toBe(before);
  });
});

describe("a callback", () => {
  const unknown = (page: Answer): void => {
    expect(page.status).toBe(400);
    expect(page.text).toContain("not known any more");
    expect(provider.requests).toEqual([]);
  };

  test("with a state that is not one of ours, or none, changes nothing and says so", async () => {
    const { flow } = await authorize();
    const before = fixture.snapshot();
    for (const state of ["x", "", "a".repeat(43), flow]) unknown(await callback({ state, code: CODE }));
    unknown(await callback({ code: CODE }));
    unknown(await fixture.call("GET", CALLBACK));
    expect(fixture.snapshot()).toBe(before);
    expect(await statusOf(flow)).toMatchObject({ status: "pending" });
  });

  test("cannot bring a state of its own: neither a body nor a parameter fixes one", async () => {
    expect(await authorizeRefused({ state: "chosen" })).toBe("unknown field state");
    expect(await authorizeRefused({ authorize_params: { state: "chosen" } })).toMatch(/is set by the vault/);
    expect(await authorizeRefused({ auth_url: "https://accounts.example.com/a?state=chosen" })).toMatch(
      /^auth_url: its query holds a parameter that the vault sets itself/,
    );
  });

  test("is good once", async () => {
    const { state } = await authorize();
    expect((await callback({ state, code: CODE })).status).toBe(200);
    provider.requests.length = 0;
    unknown(await callback({ state, code: CODE }));
  });

  test("is good once also at the same time", async () => {
    const { state } = await authorize();
    const pages = await Promise.all(Array.from({ length: 20 }, () => callback({ state, code: CODE })));
    expect(pages.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(400)]);
    expect(provider.requests).toHaveLength(1);
  });

  test("after five minutes is too late", async () => {
    const { state, flow } = await authorize();
    fixture.wait(300_000);
    unknown(await callback({ state, code: CODE }));
    expect(await statusOf(flow)).toMatchObject({ status: "failed", code: "expired" });
  });

  test("of the oldest of eleven logins is not known any more", async () => {
    const all: Started[] = [];
    for (let index = 0; index < 11; index += 1) all.push(await authorize());
    const [first, second] = all;
    unknown(await callback({ state: first?.state ?? "", code: CODE }));
    expect(await statusOf(first?.flow ?? "")).toMatchObject({ status: "failed", code: "superseded" });
    expect((await callback({ state: second?.state ?? "", code: CODE })).status).toBe(200);
  });

  test("that HEAD asks for does not use up the login", async () => {
    const { state } = await authorize();
    const head = await fixture.call("HEAD", `${CALLBACK}?state=${state}&code=${CODE}`);
    expect(head.status).toBe(405);
    expect(head.headers.get("allow")).toBe("GET");
    expect((await callback({ state, code: CODE })).status).toBe(200);
  });

  test("with a refusal shows the provider's words as text, and keeps them out of everything else", async () => {
    const { state, flow } = await authorize();
    const words = "<script>alert('denied')</script>";
    const page = await callback({ state, error: "access_denied", error_description: words });
    expect(page.status).toBe(400);
    expect(page.text).not.toContain("<script>");
    expect(page.text).toContain("&lt;script&gt;alert(&#39;denied&#39;)&lt;/script&gt; (access_denied)");
    expect(await statusOf(flow)).toEqual({
      status: "failed",
      service_name: "api",
      code: "access_denied",
      error: "the login was refused at the provider",
    });
    expect(fixture.logged.join()).not.toContain("script");
    expect(provider.requests).toEqual([]);
  });

  test("with another error of the provider tells its code to nobody but the person", async () => {
    const { state, flow } = await authorize();
    expect((await callback({ state, error: "x\u001b[2J<b>" })).status).toBe(400);
    expect(await statusOf(flow)).toMatchObject({ status: "failed", code: "provider_error" });
    expect(fixture.logged.join()).not.toContain("[2J");
  });

  test("from another provider than was asked gives the code to nobody (mix-up)", async () => {
    for (const [more, iss] of [
      [{}, "https://evil.example"],
      [{ issuer: "https://accounts.example.com" }, "https://accounts.example.com/"],
      [{ issuer: "https://accounts.example.com" }, undefined],
      [{ require_iss: true }, undefined],
    ] as const) {
      const { state, flow } = await authorize(more);
      const before = fixture.snapshot();
      const page = await callback({ state, code: CODE, ...(iss === undefined ? {} : { iss }) });
      expect(page.status).toBe(400);
      expect(await statusOf(flow)).toMatchObject({ code: "issuer_mismatch" });
      expect(provider.requests).toEqual([]);
      expect(fixture.snapshot()).toBe(before);
    }
    const { state } = await authorize({ issuer: "https://accounts.example.com" });
    expect((await callback({ state, code: CODE, iss: "https://accounts.example.com" })).status).toBe(200);
  });

  test.each<[string, number, unknown]>([
    ["an error", 400, { error: "invalid_grant", error_description: `about ${CLIENT_SECRET}` }],
    ["an unknown error", 400, { error: `no ${CODE}` }],
    ["HTML", 200, "<html>no</html>"],
    ["a fault", 503, "try later"],
    ["nothing", 200, {}],
    ["a redirect", 302, ""],
  ])(
    "whose code the token endpoint answers with %s is 502 and stores nothing",
    async (_title, status, body) => {
      provider.answer({ status, body });
      const { state, flow } = await authorize();
      const before = fixture.snapshot();
      const page = await callback({ state, code: CODE });
      expect(page.status).toBe(502);
      const shown = await statusOf(flow);
      expect(shown).toMatchObject({ status: "failed", code: "oauth2_refresh_failed" });
      for (const secret of [CLIENT_SECRET, CODE, "authorize it again"]) {
        expect(page.text + JSON.stringify(shown) + fixture.logged.join()).not.toContain(secret);
      }
      expect(provider.requests).toHaveLength(1);
      expect(fixture.snapshot()).toBe(before);
    },
  );

  test("is answered on a locked vault, and what was under way is forgotten", async () => {
    const { state, flow } = await authorize();
    await fixture.call("POST", "/auth/lock", { token: admin });
    const locked = await callback({ state, code: CODE });
    expect(locked.status).toBe(423);
    expect(locked.text).toContain("The vault is locked");
    await fixture.unlock(PASSWORD);
    unknown(await callback({ state, code: CODE }));
    expect((await fixture.call("GET", `/auth/oauth2/flows/${flow}`, { token: admin })).status).toBe(404);
  });

  test.each(["locked", "locked and unlocked again", "cancelled"])(
    "whose login is %s while the provider answers stores nothing",
    async (what) => {
      let answer: () => void = () => undefined;
      provider.answer({ body: GRANTED, after: new Promise<void>((resolve) => (answer = resolve)) });
      const { state, flow } = await authorize({ service_name: "late" });
      const pending = callback({ state, code: CODE });
      while (provider.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      if (what === "cancelled") await fixture.call("DELETE", `/auth/oauth2/flows/${flow}`, { token: admin });
      else await fixture.call("POST", "/auth/lock", { token: admin });
      if (what === "locked and unlocked again") await fixture.unlock();
      answer();
      expect((await pending).status).toBe(what === "cancelled" ? 502 : 423);
      if (what === "locked") await fixture.unlock();
      expect(fixture.parts.services.records.has("late")).toBe(false);
    },
  );
});

describe("what a login is begun with", () => {
  test.each([
    [{ service_name: "a/b" }, /^service_name: /],
    [{ base_url: "http://user:pass@api.example.com" }, /^base_url: /],
    [{ base_url: "https://api.example.com/{token}" }, /^base_url: /],
    [{ token_url: undefined }, /^token_url: is required/],
    [{ auth_url: undefined }, /^auth_url: is required/],
    [{ client_id: undefined }, /^client_id: is required/],
    [
      { auth_url: "http://accounts.example.com/", allow_private: false, token_url: "https://a.example" },
      /^auth_url: must be https/,
    ],
    [{ token_url: "http://accounts.example.com/", allow_private: false }, /^token_url: must be https/],
    [{ token_url: "https://127.0.0.1/", allow_private: false }, /^token_url: address not allowed/],
    [
      { auth_url: "https://10.0.0.1/", allow_private: false, token_url: "https://a.example" },
      /^auth_url: address not allowed/,
    ],
    [{ token_url: "https://169.254.169.254/" }, /^token_url: address not allowed/],
    [{ refresh_url: "https://169.254.169.254/" }, /^refresh_url: address not allowed/],
    [{ auth_url: "javascript:alert(1)" }, /^auth_url: must be/],
    [{ auth_url: "https://accounts.example.com/#x" }, /^auth_url: must not/],
    [{ redirect_uri: "http://example.com/" }, /^redirect_uri: must be https/],
    [{ authorize_params: { redirect_uri: "https://evil.example" } }, /is set by the vault/],
    [{ authorize_params: { Request: "jwt" } }, /is set by the vault/],
    [{ extra: { code_verifier: "x" } }, /is set by the server/],
    [{ extra: { grant_type: "x" } }, /grant_type/],
    [{ client_auth: "basic", client_secret: undefined }, /^client_secret: /],
    [{ client_auth: "private_key_jwt" }, /^client_key_file: /],
    [{ client_auth: "private_key_jwt", client_key_file: "gone.pem" }, /^client_key_file: no such file/],
    [{ client_secret_file: "gone.json" }, /^client_id: is in the client_secret_file/],
    [{ scope_separator: ";" }, /^scope_separator: must be/],
    [{ scopes: ['a"b'] }, /^scopes/],
    [{ headers: { Authorization: "x" } }, /^headers/],
    [{ surprise: 1 }, /unknown field surprise/],
  ])("is refused before anybody logs in: %j", async (more, reason) => {
    const error = await authorizeRefused(more);
    expect(error).toMatch(reason);
    expect(error).not.toContain(CLIENT_SECRET);
  });

  test.each<[unknown, RegExp]>([
    [{ type: "service_account", private_key: "x" }, /^client_secret_file: is the key of a service account/],
    [{ installed: { client_secret: "x" } }, /^client_secret_file: installed\.client_id is missing/],
    [{ web: { client_id: "1", client_secret: "x", redirect_uris: [] } }, /has no redirect URI/],
  ])("is refused for a file that is no client of Google: %j", async (content, reason) => {
    await upload("wrong.json", content);
    const file = {
      client_id: undefined,
      client_secret: undefined,
      auth_url: undefined,
      token_url: undefined,
    };
    expect(await authorizeRefused({ ...file, client_secret_file: "wrong.json" })).toMatch(reason);
  });
});

describe("a login on another device", () => {
  const GIVEN = {
    device_code: "device-code-0123456789",
    user_code: "WDJB-MJHT",
    verification_uri: "https://example.com/device",
    expires_in: 600,
    interval: 5,
  };
  const pending = { status: 400, body: { error: "authorization_pending" } };
  const startDevice = async (more: object = {}): Promise<Answer> =>
    fixture.call("POST", "/auth/oauth2/device", {
      token: admin,
      json: { ...loginBody(more), auth_url: undefined, device_url: `${provider.origin}/device`, ...more },
    });
  const ended = async (flow: string): Promise<unknown> => {
    for (;;) {
      const status = (await statusOf(flow)) as { status: string };
      if (status.status !== "pending") return status;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  test("shows a code, asks at the interval, and stores what it gets", async () => {
    provider.answer(
      { body: GIVEN },
      pending,
      { status: 400, body: { error: "slow_down" } },
      { body: GRANTED },
    );
    const started = await startDevice({ service_name: "tv", authorize_params: { audience: "x" } });
    expect(started).toMatchObject({
      status: 200,
      json: { user_code: "WDJB-MJHT", verification_uri: "https://example.com/device", interval: 5 },
    });
    expect(started.text).not.toContain(GIVEN.device_code);
    const { flow, expires_at } = started.json as { flow: string; expires_at: string };
    expect(Date.parse(expires_at)).toBe(fixture.now() + 600_000);
    for (const seconds of [5, 5, 10]) {
      expect(await fixture.pauses.next()).toBe(seconds * 1000);
      expect(await statusOf(flow)).toEqual({ status: "pending", service_name: "tv" });
      fixture.pauses.end();
    }
    expect(await ended(flow)).toEqual({ status: "done", service_name: "tv" });
    expect(storedSecrets("tv").sort()).toEqual([ACCESS, CLIENT_SECRET, REFRESH].sort());
    expect(provider.requests.map(({ path }) => path)).toEqual(["/device", "/token", "/token", "/token"]);
    expect(provider.requests[0]?.parameters).toEqual({
      client_id: "client-1",
      client_secret: CLIENT_SECRET,
      scope: "read write",
      audience: "x",
    });
    expect(provider.requests[1]?.parameters).toMatchObject({
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: GIVEN.device_code,
    });
    expect(fixture.logged.join()).not.toContain(GIVEN.device_code);
  });

  test.each([
    ["access_denied", "access_denied"],
    ["expired_token", "expired"],
    ["invalid_client", "oauth2_refresh_failed"],
  ])("that ends with %s is failed", async (error, code) => {
    provider.answer({ body: GIVEN }, { status: 400, body: { error } });
    const before = fixture.snapshot();
    const { flow } = (await startDevice()).json as { flow: string };
    await fixture.pauses.next();
    fixture.pauses.end();
    expect(await ended(flow)).toMatchObject({ status: "failed", code });
    expect(fixture.snapshot()).toBe(before);
  });

  test.each<[string, number, unknown, string]>([
    ["an error", 400, { error: "unauthorized_client" }, "oauth2_refresh_failed"],
    ["HTML", 200, "<html>", "upstream_failed"],
    [
      "a page that must not be opened",
      200,
      { ...GIVEN, verification_uri: "javascript:1" },
      "upstream_failed",
    ],
  ])("whose provider answers with %s is 502 at once", async (_title, status, body, code) => {
    provider.answer({ status, body });
    expect(await startDevice()).toMatchObject({ status: 502, json: { code } });
  });

  test("wants an endpoint to begin at that may be asked", async () => {
    expect(await startDevice({ device_url: undefined })).toMatchObject({
      status: 400,
      json: { error: "device_url: is required" },
    });
    expect(await startDevice({ device_url: "https://169.254.169.254/" })).toMatchObject({ status: 400 });
    expect(provider.requests).toEqual([]);
  });

  test.each(["a lock", "a cancellation"])("asks no more after %s", async (what) => {
    provider.answer({ body: GIVEN }, pending);
    const { flow } = (await startDevice({ service_name: "stopped" })).json as { flow: string };
    await fixture.pauses.next();
    if (what === "a lock") {
      await fixture.call("POST", "/auth/lock", { token: admin });
      await fixture.unlock();
      expect((await fixture.call("GET", `/auth/oauth2/flows/${flow}`, { token: admin })).status).toBe(404);
    } else {
      const cancelled = await fixture.call("DELETE", `/auth/oauth2/flows/${flow}`, { token: admin });
      expect(cancelled.json).toEqual({ status: "cancelled" });
      expect(await statusOf(flow)).toMatchObject({ status: "failed", code: "cancelled" });
    }
    fixture.pauses.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(provider.requests.map(({ path }) => path)).toEqual(["/device"]);
  });

  test("whose provider answers after a lock does not begin", async () => {
    let answer: () => void = () => undefined;
    provider.answer({ body: GIVEN, after: new Promise<void>((resolve) => (answer = resolve)) });
    const starting = startDevice();
    while (provider.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await fixture.call("POST", "/auth/lock", { token: admin });
    await fixture.unlock();
    answer();
    expect((await starting).status).toBe(423);
  });
});

describe("a flow", () => {
  test("that is not known is 404, to show and to cancel", async () => {
    const { flow } = await authorize();
    for (const method of ["GET", "DELETE"]) {
      expect((await fixture.call(method, "/auth/oauth2/flows/x", { token: admin })).status).toBe(404);
    }
    expect((await fixture.call("DELETE", `/auth/oauth2/flows/${flow}`, { token: admin })).status).toBe(200);
    expect((await fixture.call("DELETE", `/auth/oauth2/flows/${flow}`, { token: admin })).status).toBe(404);
  });
});
