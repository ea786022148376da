import { createHash } from "node:crypto";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { ACCESS, CLIENT_SECRET, CODE, REFRESH, startLoginFixture } from "./testing/login-fixture.js";

const fixture = await startLoginFixture();
const { provider, admin } = fixture;
afterAll(() => fixture.close());
beforeEach(() => fixture.reset());

describe("a login in a browser", () => {
  test("sends the person to the provider with PKCE, and stores what the code is exchanged for", async () => {
    const started = await fixture.authorize({ authorize_params: { audience: "x", prompt: "login" } });
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
    expect(await fixture.statusOf(started.flow)).toEqual({ status: "pending", service_name: "api" });
    expect(JSON.stringify(started)).not.toContain(CLIENT_SECRET);

    const page = await fixture.callback({ state: started.state, code: CODE });
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.text).toContain("Login complete");
    expect(await fixture.statusOf(started.flow)).toEqual({ status: "done", service_name: "api" });

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
    expect(fixture.storedSecrets("api").sort()).toEqual([ACCESS, CLIENT_SECRET, REFRESH].sort());
    const told = [started, page.text, fixture.logged, [...page.headers]].map((value) =>
      JSON.stringify(value),
    );
    for (const secret of [ACCESS, REFRESH, CLIENT_SECRET, verifier, CODE]) {
      expect(told.join()).not.toContain(secret);
    }
  });

  test("replaces the service of that name, with all that was said of it, and says so", async () => {
    const first = await fixture.authorize({ service_name: "twice" });
    expect(first.message).toBe("Open auth_url in a browser and log in within five minutes.");
    expect((await fixture.callback({ state: first.state, code: CODE })).text).not.toContain("replaced");
    expect(fixture.logged.at(-1)).toContain('"replaced":false');
    expect(await fixture.statusOf(first.flow)).not.toHaveProperty("replaced");

    const { state, flow, message } = await fixture.authorize({
      service_name: "twice",
      description: "second",
      headers: { "X-A": "b" },
      idle_timeout: "5s",
    });
    expect(message).toContain("The service of that name, which exists already, will be replaced.");
    const page = await fixture.callback({ state, code: CODE });
    expect(page.text).toContain("<strong>twice</strong> was replaced, and is ready to use");
    expect(fixture.logged.at(-1)).toContain('"replaced":true');
    expect(await fixture.statusOf(flow)).toEqual({ status: "done", service_name: "twice", replaced: true });
    expect(fixture.parts.services.records.get("twice")).toMatchObject({
      description: "second",
      headers: { "X-A": "b" },
      idle_timeout: "5s",
    });
  });

  test("proves the client as the provider wants it, and sends further parameters", async () => {
    const { state } = await fixture.authorize({
      ...{ client_auth: "basic", token_body: "json", extra: { audience: "x" }, scope_separator: "," },
    });
    await fixture.callback({ state, code: CODE });
    const [request] = provider.requests;
    expect(request).toMatchObject({
      authorization: `Basic ${Buffer.from(`client-1:${encodeURIComponent(CLIENT_SECRET).replaceAll("-", "%2D")}`.replace("client-1", "client%2D1")).toString("base64")}`,
      contentType: "application/json",
      parameters: { grant_type: "authorization_code", audience: "x", code: CODE },
    });
    expect(request?.parameters).not.toHaveProperty("client_secret");
  });

  test("by a public client sends no secret", async () => {
    const { state } = await fixture.authorize({ client_secret: undefined });
    expect((await fixture.callback({ state, code: CODE })).status).toBe(200);
    expect(provider.requests[0]?.parameters).not.toHaveProperty("client_secret");
    expect(fixture.storedSecrets("api").sort()).toEqual([ACCESS, REFRESH]);
  });

  test("with a client file of Google needs nothing else", async () => {
    await fixture.upload("client.json", {
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
    const { auth_url, state, redirect_uri } = await fixture.authorize({
      ...file,
      client_secret_file: "client.json",
    });
    expect(auth_url).toMatch(/^https:\/\/accounts\.google\.com\/o\/oauth2\/auth\?.*client_id=google-1&/);
    expect(redirect_uri).toBe("http://localhost:8390/auth/oauth2/callback");
    // What happens to the file from now on does not matter.
    await fixture.call("DELETE", "/files/client.json", { token: admin });
    expect((await fixture.callback({ state, code: CODE })).status).toBe(200);
    expect(provider.requests[0]).toMatchObject({ path: "/google", parameters: { redirect_uri } });
    expect(fixture.parts.services.records.get("api")?.auth).toMatchObject({ client_id: "google-1" });
  });

  test("that gives a token which never ends makes a bearer service, if that was asked for", async () => {
    provider.answer({ body: { access_token: ACCESS, token_type: "bearer", scope: "repo" } });
    const { state } = await fixture.authorize({ long_lived_token: true });
    expect((await fixture.callback({ state, code: CODE })).status).toBe(200);
    expect(fixture.parts.services.records.get("api")?.auth.type).toBe("bearer");
    expect(fixture.storedSecrets("api")).toEqual([ACCESS]);
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
    const { state, flow } = await fixture.authorize(more);
    const page = await fixture.callback({ state, code: CODE });
    expect(page.status).toBe(502);
    expect(page.text).toContain("no refresh token");
    expect(await fixture.statusOf(flow)).toMatchObject({ status: "failed", code: "no_refresh_token" });
    expect(fixture.snapshot()).toBe(before);
  });
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
    const error = await fixture.authorizeRefused(more);
    expect(error).toMatch(reason);
    expect(error).not.toContain(CLIENT_SECRET);
  });

  test.each<[unknown, RegExp]>([
    [{ type: "service_account", private_key: "x" }, /^client_secret_file: is the key of a service account/],
    [{ installed: { client_secret: "x" } }, /^client_secret_file: installed\.client_id is missing/],
    [{ web: { client_id: "1", client_secret: "x", redirect_uris: [] } }, /has no redirect URI/],
  ])("is refused for a file that is no client of Google: %j", async (content, reason) => {
    await fixture.upload("wrong.json", content);
    const file = {
      client_id: undefined,
      client_secret: undefined,
      auth_url: undefined,
      token_url: undefined,
    };
    expect(await fixture.authorizeRefused({ ...file, client_secret_file: "wrong.json" })).toMatch(reason);
  });
});
