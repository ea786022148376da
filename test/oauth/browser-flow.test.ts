import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContext, Page, Response } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startChromium } from "../attacks/chromium.js";
import { PASSWORD, startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { call, makeToken, unlock, type Answered } from "../live/vault-calls.js";
import { startOidcProvider, type OidcProvider } from "./oidc-provider.js";
import type { ClientKind } from "./provider-clients.js";
import { uploadFile } from "./upload-file.js";

/*
 * Logins at the certified provider, in a real browser and through its real pages, which end in services that work.
 */

const DEVICE_WAIT_MS = 20_000;

let provider: OidcProvider;
let server: RunningServer;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let dataDir: { path: string; remove: () => Promise<void> };
let admin: string;
let token: string;

beforeAll(async () => {
  dataDir = await temporaryDirectory();
  provider = await startOidcProvider();
  server = await startServer({ dataDir: dataDir.path, flags: ["--log-level", "debug"] });
  admin = await unlock(server);
  token = await makeToken(server, admin);
  browser = await startChromium({});
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  await provider.close();
  await dataDir.remove();
});

beforeEach(async () => {
  context = await browser.newContext({ ignoreHTTPSErrors: true });
  page = await context.newPage();
  provider.calls.length = 0;
});
afterEach(async () => {
  provider.settings.giveRefreshTokens = true;
  provider.settings.refusal = { error: "access_denied", error_description: "the person said no" };
  await context.close();
});

const AUTH: Readonly<Record<ClientKind, string>> = {
  client_secret_basic: "basic",
  client_secret_post: "post",
  client_secret_jwt: "client_secret_jwt",
  private_key_jwt: "private_key_jwt",
  none: "none",
};

async function loginBody(kind: ClientKind, more: object): Promise<string> {
  const { id, secret, privateKey, keyId } = provider.clients[kind];
  if (privateKey !== "") await uploadFile(server, admin, "client.pem", privateKey);
  return JSON.stringify({
    service_name: kind,
    base_url: provider.endpoints.api,
    scopes: ["openid", "offline_access", "notes:read"],
    client_id: id,
    client_auth: AUTH[kind],
    ...(secret === "" ? {} : { client_secret: secret }),
    ...(privateKey === "" ? {} : { client_key_file: "client.pem", client_key_id: keyId }),
    token_url: provider.endpoints.token,
    allow_private: true,
    tls_ca: provider.certificates.ca,
    ...more,
  });
}

interface Started {
  readonly auth_url: string;
  readonly state: string;
  readonly redirect_uri: string;
  readonly flow: string;
}

async function start(kind: ClientKind = "client_secret_post", more: object = {}): Promise<Started> {
  const body = await loginBody(kind, { auth_url: provider.endpoints.authorization, ...more });
  const answer = await call(server.address, "POST", "/auth/oauth2/authorize", { token: admin, body });
  expect(answer.status, answer.text).toBe(200);
  return answer.json as Started;
}

const statusOf = async (flow: string): Promise<unknown> =>
  (await call(server.address, "GET", `/auth/oauth2/flows/${flow}`, { token: admin })).json;
const me = (service: string): Promise<Answered> =>
  call(server.address, "GET", `/proxy/${service}/me`, { token });
const callbackUrl = (parameters: Readonly<Record<string, string>>): string =>
  `${server.address}/auth/oauth2/callback?${new URLSearchParams(parameters).toString()}`;

async function signIn(): Promise<void> {
  await page.fill("input[name=login]", provider.person.login);
  await page.fill("input[name=password]", provider.person.password);
  await page.click("button[value=login]");
}

/** The person goes through the provider's pages; gives what the vault then answers. */
async function logIn(url: string, decision: "allow" | "refuse" = "allow"): Promise<Response> {
  await page.goto(url);
  await signIn();
  const answered = page.waitForResponse((response) => response.url().startsWith(`${server.address}/`));
  await page.click(`button[value=${decision}]`);
  const response = await answered;
  await page.waitForLoadState("load");
  return response;
}

describe("a login in Chromium", () => {
  test.each(Object.keys(AUTH) as ClientKind[])(
    "with the client authentication %s ends in a service that works",
    async (kind) => {
      const started = await start(kind);
      expect(started.redirect_uri).toBe(`${server.address}/auth/oauth2/callback`);
      const answer = await logIn(started.auth_url);
      expect(answer.status()).toBe(200);
      expect(await page.textContent("h1")).toBe("Login complete");
      expect(await statusOf(started.flow)).toEqual({ status: "done", service_name: kind });
      expect(provider.calls.filter(({ grant }) => grant === "authorization_code")).toMatchObject([
        { clientId: provider.clients[kind].id, status: 200 },
      ]);

      const answered = await me(kind);
      expect(answered.status, answered.text).toBe(200);
      expect(answered.text).toContain(provider.person.login);
      const info = await call(server.address, "GET", `/services/${kind}`, { token });
      expect(info.json).toMatchObject({ auth_type: "oauth2_client", token_status: "valid" });
    },
  );

  test("whose issuer is known is completed, since the provider says who it is", async () => {
    const { auth_url } = await start("none", { issuer: provider.issuer, service_name: "issuer" });
    expect((await logIn(auth_url)).status()).toBe(200);
    expect(new URL(page.url()).searchParams.get("iss")).toBe(provider.issuer);
  });

  test("that the person refuses shows the provider's words as text", async () => {
    const words = "</blockquote><script>document.title='owned'</script><img src=/x onerror=alert(1)>";
    provider.settings.refusal = { error: "access_denied", error_description: words };
    const { auth_url, flow } = await start("none", { service_name: "refused" });
    expect((await logIn(auth_url, "refuse")).status()).toBe(400);
    expect(await page.textContent("h1")).toBe("The login was refused");
    expect(await page.textContent("blockquote")).toBe(`${words} (access_denied)`);
    expect(await page.title()).toBe("The login was refused – vault-proxy");
    expect(await page.locator("script, img").count()).toBe(0);
    expect(await statusOf(flow)).toMatchObject({ status: "failed", code: "access_denied" });
    expect((await me("refused")).status).toBe(404);
  });

  test("that gives no refresh token stores nothing", async () => {
    provider.settings.giveRefreshTokens = false;
    const { auth_url } = await start("none", { service_name: "none-given" });
    expect((await logIn(auth_url)).status()).toBe(502);
    expect(await page.textContent("main")).toMatch(/no refresh token.*offline_access/s);
    expect((await me("none-given")).status).toBe(404);
  });

  test("is complete once: a reload of the page finds it used", async () => {
    const { auth_url } = await start();
    await logIn(auth_url);
    expect((await page.reload())?.status()).toBe(400);
    expect(await page.textContent("h1")).toBe("This login is not known any more");
    expect(provider.tokenCalls()).toBe(1);
    expect((await me("client_secret_post")).status).toBe(200);
  });
});

/** A login whose callback arrives somewhere else first; gives what the provider sent there. */
async function interceptedLogin(service: string): Promise<{ started: Started; query: URLSearchParams }> {
  const catcher = createServer((_request, response) => response.end("caught"));
  await new Promise<void>((resolve) => catcher.listen(0, "127.0.0.1", resolve));
  const { port } = catcher.address() as AddressInfo;
  const redirect_uri = `http://127.0.0.1:${port}/auth/oauth2/callback`;
  const started = await start("none", { service_name: service, redirect_uri });
  await page.goto(started.auth_url);
  await signIn();
  await page.click("button[value=allow]");
  await page.waitForURL(`${redirect_uri}**`);
  catcher.close();
  catcher.closeAllConnections();
  return { started, query: new URL(page.url()).searchParams };
}

describe("an attack on a login", () => {
  test("by a code of another login comes to nothing, because the provider knows the PKCE challenge", async () => {
    const attackers = await interceptedLogin("attackers");
    const victims = await start("none", { service_name: "victims" });
    attackers.query.set("state", victims.state);
    const response = await page.goto(callbackUrl(Object.fromEntries(attackers.query)));
    expect(response?.status()).toBe(502);
    expect(provider.calls.at(-1)).toMatchObject({ grant: "authorization_code", error: "invalid_grant" });
    expect((await me("victims")).status).toBe(404);
  });

  test("cannot be seen where none is made: the same code with its own state is good", async () => {
    const { started, query } = await interceptedLogin("control");
    const response = await page.goto(callbackUrl(Object.fromEntries(query)));
    expect(response?.status()).toBe(200);
    expect(await statusOf(started.flow)).toMatchObject({ status: "done" });
  });

  test("by a state of the attacker's choice, or one of a flow's other name, comes to nothing", async () => {
    const { flow } = await start("none", { service_name: "fixed" });
    for (const state of ["attackers-state", flow]) {
      const response = await page.goto(callbackUrl({ state, code: "attackers-code" }));
      expect(response?.status()).toBe(400);
    }
    expect(provider.tokenCalls()).toBe(0);
    expect(await statusOf(flow)).toMatchObject({ status: "pending" });
  });

  test("by an answer of another provider gives its code to nobody (mix-up)", async () => {
    const { query } = await interceptedLogin("mixed-up");
    query.set("iss", "https://attacker.example");
    const response = await page.goto(callbackUrl(Object.fromEntries(query)));
    expect(response?.status()).toBe(400);
    expect(await page.textContent("main")).toContain("issuer_mismatch");
    expect(provider.tokenCalls()).toBe(0);
    // The right answer comes too late: its state is used up.
    query.set("iss", provider.issuer);
    expect((await page.goto(callbackUrl(Object.fromEntries(query))))?.status()).toBe(400);
    expect((await me("mixed-up")).status).toBe(404);
  });

  test("by a hidden frame or a script of another page does not reach the vault", async () => {
    const { state, flow } = await start("none", { service_name: "framed" });
    const target = callbackUrl({ state, code: "attackers-code" });
    await page.goto(`${provider.issuer}/nothing-here`);
    await page.setContent(`<iframe src="${target}"></iframe><img src="${target}">`);
    await page.evaluate((url) => fetch(url, { mode: "no-cors" }).catch(() => undefined), target);
    await page.waitForTimeout(300);
    expect(await statusOf(flow)).toMatchObject({ status: "pending" });
    expect(provider.tokenCalls()).toBe(0);
  });

  test("by ten further logins drops the oldest", async () => {
    const first = await start("none", { service_name: "first" });
    for (let index = 0; index < 10; index += 1) await start("none", { service_name: `later-${index}` });
    expect((await logIn(first.auth_url)).status()).toBe(400);
    expect(provider.tokenCalls()).toBe(0);
    expect(await statusOf(first.flow)).toMatchObject({ status: "failed", code: "superseded" });
  });
});

test("a lock forgets the logins under way, and their callbacks say so", async () => {
  const { auth_url, flow } = await start("none", { service_name: "locked" });
  const lock = await call(server.address, "POST", "/auth/lock", { token: admin });
  expect(lock.status).toBe(200);
  expect((await logIn(auth_url)).status()).toBe(423);
  expect(await page.textContent("h1")).toBe("The vault is locked");
  await call(server.address, "POST", "/auth/unlock", { body: JSON.stringify({ password: PASSWORD }) });
  expect((await page.reload())?.status()).toBe(400);
  expect((await call(server.address, "GET", `/auth/oauth2/flows/${flow}`, { token: admin })).status).toBe(
    404,
  );
  expect(provider.tokenCalls()).toBe(0);
});

test("a login on another device shows a code and ends in a service that works", async () => {
  const body = await loginBody("client_secret_basic", {
    service_name: "device",
    device_url: provider.endpoints.device,
  });
  const answer = await call(server.address, "POST", "/auth/oauth2/device", { token: admin, body });
  expect(answer.status, answer.text).toBe(200);
  const { flow, user_code, verification_uri } = answer.json as Record<string, string>;
  await page.goto(verification_uri ?? "");
  await page.fill("input[name=user_code]", user_code ?? "");
  await page.click("button[type=submit]");
  await page.click("button[type=submit]:not([name])");
  await signIn();
  await page.click("button[value=allow]");
  expect(await page.textContent("h1")).toBe("The device is connected");
  await expect
    .poll(() => statusOf(flow ?? ""), { timeout: DEVICE_WAIT_MS })
    .toEqual({ status: "done", service_name: "device" });
  expect((await me("device")).status).toBe(200);
});

describe("the pages", () => {
  const LONG = "https://example.com/".padEnd(400, "x");
  const outcomes: Record<string, () => Promise<string>> = {
    unknown: () => Promise.resolve(callbackUrl({ state: "x" })),
    refused: async () => {
      const { state } = await start("none", { service_name: `long${".name".repeat(24)}` });
      return callbackUrl({ state, error: "e".repeat(400), error_description: LONG });
    },
    failed: async () => callbackUrl({ state: (await start()).state, code: "nonsense", iss: provider.issuer }),
  };

  test.each(
    Object.keys(outcomes).flatMap((kind) => [360, 1280].map((width): [string, number] => [kind, width])),
  )("%s fits a screen %d pixels wide, loads nothing and breaks no rule of its own", async (kind, width) => {
    await page.setViewportSize({ width, height: 640 });
    const requested: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => requested.push(request.url()));
    page.on("console", (message) => complaints.push(message.text()));
    const url = (await outcomes[kind]?.()) ?? "";
    const response = await page.goto(url);
    expect(requested).toEqual([url]);
    expect(complaints.filter((text) => !text.includes("Failed to load resource"))).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    // The style counts: what it was refused for would leave the browser's own margin.
    expect(await page.evaluate("getComputedStyle(document.body).margin")).toBe("0px");
    expect(await page.evaluate("getComputedStyle(document.querySelector('p')).fontSize")).toBe("16px");
    expect(response?.headers()).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": expect.stringMatching(
        /^default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
      ) as unknown,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-frame-options": "DENY",
      "x-content-type-options": "nosniff",
    });
  });
});

test("no secret of a login is in the log", () => {
  const log = server.log();
  expect(log).toContain("service authorized by a login");
  const { client_secret_post: post, client_secret_basic: basic } = provider.clients;
  for (const secret of [post.secret, basic.secret]) expect(log).not.toContain(secret);
  // Codes, states, verifiers and the provider's tokens have 43 such characters and more.
  for (const pattern of [/code=/, /state=/, /[\w-]{43}/]) expect(log).not.toMatch(pattern);
});
