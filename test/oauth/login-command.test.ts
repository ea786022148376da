import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startChromium } from "../attacks/chromium.js";
import { startCli, type RunningCli } from "../live/cli-in-terminal.js";
import { cli, PASSWORD, startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { call, unlock } from "../live/vault-calls.js";
import { startOidcProvider, type OidcProvider } from "./oidc-provider.js";

/*
 * `vault-cli oauth`, as a person and as a program use it, at the certified provider.
 */

let provider: OidcProvider;
let server: RunningServer;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let directory: { path: string; remove: () => Promise<void> };
let admin: string;

beforeAll(async () => {
  directory = await temporaryDirectory();
  provider = await startOidcProvider();
  server = await startServer({ dataDir: join(directory.path, "data") });
  admin = await unlock(server);
  browser = await startChromium({});
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  await provider.close();
  await directory.remove();
});
beforeEach(async () => {
  context = await browser.newContext({ ignoreHTTPSErrors: true });
  page = await context.newPage();
});
afterEach(() => context.close());

const env = (): Record<string, string> => ({
  HOME: directory.path,
  VAULT_ADDR: server.address,
  VAULT_TOKEN: admin,
});

/** The command line of a login at the provider, without the client's secret. */
const login = (service: string, ...more: readonly string[]): string[] => [
  ...["oauth", "login", service, "--base-url", provider.endpoints.api, "--allow-private"],
  ...["--tls-ca", provider.certificates.caPath, "--token-url", provider.endpoints.token],
  ...["--scope", "openid offline_access", "--scope", "notes:read", ...more],
];
const inBrowser = (): string[] => ["--auth-url", provider.endpoints.authorization];
const onDevice = (): string[] => ["--device", "--device-url", provider.endpoints.device];
const client = (): string[] => ["--client-id", provider.clients.client_secret_post.id];

async function signIn(): Promise<void> {
  await page.fill("input[name=login]", provider.person.login);
  await page.fill("input[name=password]", provider.person.password);
  await page.click("button[value=login]");
}

async function decide(url: string, decision: "allow" | "refuse"): Promise<void> {
  await page.goto(url);
  await signIn();
  await page.click(`button[value=${decision}]`);
  await page.waitForURL(`${server.address}/**`);
}

const ADDRESS = /^https:\S+\/auth\?\S+/m;
const addressOf = async (running: RunningCli): Promise<string> => (await running.see(ADDRESS))[0];

/** What the vault says of an answer to a login: 400 if it does not wait for it any more. */
async function callbackStatus(address: string): Promise<number> {
  const state = new URL(address).searchParams.get("state") ?? "";
  return (await call(server.address, "GET", `/auth/oauth2/callback?state=${state}&code=x`)).status;
}

const serviceStatus = async (name: string): Promise<number> =>
  (await call(server.address, "GET", `/services/${name}`, { token: admin })).status;

function expectNoSecrets(text: string): void {
  for (const secret of [provider.clients.client_secret_post.secret, admin])
    expect(text).not.toContain(secret);
}

describe("a login in a browser", () => {
  test("is waited for, and ends in a service that works", async () => {
    const { id, secret } = provider.clients.client_secret_post;
    const args = login("notes", ...inBrowser(), "--client-id", id, "--client-secret-stdin", "--no-browser");
    const running = startCli(args, { env: env(), stdin: `${secret}\n` });
    const address = await addressOf(running);
    expect(running.stdout()).toBe("");
    expect(running.stderr()).toContain("within 5 min");
    await decide(address, "allow");
    expect(await running.ended).toBe(0);
    expect(running.stdout()).toBe("Logged in. Service notes is ready.\n");
    expectNoSecrets(running.stdout() + running.stderr());

    const called = await cli(["proxy", "notes", "GET", "/me"], { env: env() });
    expect(called, called.stderr).toMatchObject({ code: 0 });
    expect(called.stdout).toContain(provider.person.login);
    const tokens = await cli(["health", "tokens"], { env: env() });
    expect(tokens.stdout).toMatch(/^notes oauth2_client valid \d{4}-\d\d-\d\dT\S+Z\n$/);
    expect((await cli(["service", "show", "notes"], { env: env() })).stdout).toMatch(
      /^scopes: +openid offline_access notes:read$/m,
    );
  });

  test("goes to the person's browser, where there is one; a refusal there is a failure", async () => {
    const opened = join(directory.path, "opened");
    const fake = join(directory.path, "browser.sh");
    writeFileSync(fake, `#!/bin/sh\nprintf '%s\\n' "$1" > "${opened}"\n`);
    chmodSync(fake, 0o755);
    const args = login("refused", ...inBrowser(), "--client-id", provider.clients.none.id, "--json");
    const running = startCli(args, { env: { ...env(), BROWSER: fake } });
    const address = await addressOf(running);
    await expect.poll(() => existsSync(opened) && readFileSync(opened, "utf8")).toBe(`${address}\n`);
    expect(running.stderr()).toContain("A browser was opened");
    await decide(address, "refuse");
    expect(await running.ended).toBe(1);
    expect(running.stdout()).toBe("");
    expect(JSON.parse(running.stderr().split("cancels it.\n")[1] ?? "")).toMatchObject({
      code: "access_denied",
      error: expect.stringContaining("refused") as unknown,
    });
    expect(await serviceStatus("refused")).toBe(404);
  });

  test("in a terminal asks for what is missing, shows no secret, and is cancelled by Ctrl-C", async () => {
    const running = startCli(login("asked", ...inBrowser()), { env: env(), terminal: true });
    await running.see(/Id of the client/);
    running.type(`${provider.clients.client_secret_post.id}\r`);
    await running.see(/Secret of the client/);
    running.type(`${provider.clients.client_secret_post.secret}\r`);
    const address = await addressOf(running);
    await running.see(/Ctrl-C/);
    running.type("\u0003");
    expect(await running.ended).toBe(130);
    expect(running.stdout()).toContain("interrupted: the vault is as it was");
    expectNoSecrets(running.stdout());
    expect(await callbackStatus(address)).toBe(400);
    expect(await serviceStatus("asked")).toBe(404);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("ends with %s, and the vault waits no more", async (signal) => {
    const running = startCli(login("signalled", ...inBrowser(), ...client()), { env: env() });
    const address = await addressOf(running);
    await running.see(/Ctrl-C/);
    running.kill(signal);
    expect(await running.ended).toBe(signal === "SIGINT" ? 130 : 143);
    expect(await callbackStatus(address)).toBe(400);
  });

  test("is given up after --timeout", async () => {
    const running = startCli(login("late", ...inBrowser(), ...client(), "--timeout", "300ms"), {
      env: env(),
    });
    const address = await addressOf(running);
    expect(await running.ended).toBe(1);
    expect(running.stderr()).toMatch(/^error: no login within 300ms$/m);
    expect(await callbackStatus(address)).toBe(400);
  });

  test("that the vault cannot begin is told before anything else", async () => {
    const wrong = await cli(
      login("wrong", ...inBrowser(), ...client(), "--redirect-uri", "http://example.com/"),
      {
        env: env(),
      },
    );
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    expect(wrong.stderr).toBe("error: --redirect-uri: must be https, or http on localhost\n");
  });
});

test("a login on another device shows the code, and ends in a service that works, in place of another", async () => {
  const auth = { type: "bearer", token: "a-token-that-will-be-gone" };
  const before = { name: "device", base_url: "https://api.example.com", auth };
  const headers = { "Content-Type": "application/json" };
  const added = { token: admin, headers, body: JSON.stringify(before) };
  expect((await call(server.address, "POST", "/services", added)).status).toBe(201);
  const running = startCli(login("device", ...onDevice(), "--client-id", provider.clients.none.id), {
    env: env(),
    terminal: true,
  });
  await running.see(/Secret of the client/);
  running.type("\r");
  const [, uri = ""] = await running.see(/open (https:\S+)/);
  // In its frame, and bold.
  const [, code = ""] = await running.see(/│ {3}(?:\u001b\[1m)?([A-Z0-9-]+)/);
  await page.goto(uri);
  await page.fill("input[name=user_code]", code);
  await page.click("button[type=submit]");
  await page.click("button[type=submit]:not([name])");
  await signIn();
  await page.click("button[value=allow]");
  await page.waitForSelector("text=The device is connected");
  expect(await running.ended).toBe(0);
  expect(running.stdout()).toContain("Logged in. Service device was replaced, and is ready.");
  expect(await cli(["proxy", "device", "GET", "/me"], { env: env() })).toMatchObject({ code: 0 });
});

describe("a program that does not wait", () => {
  async function begin(service: string): Promise<{ auth_url: string; flow: string }> {
    const args = login(
      service,
      ...inBrowser(),
      "--client-id",
      provider.clients.none.id,
      "--no-wait",
      "--json",
    );
    const begun = await cli(args, { env: env() });
    expect(begun, begun.stderr).toMatchObject({ code: 0 });
    return JSON.parse(begun.stdout) as { auth_url: string; flow: string };
  }

  test("asks how the login stands, and waits for it later", async () => {
    const { auth_url, flow } = await begin("later");
    expect((await cli(["oauth", "status", flow], { env: env() })).stdout).toBe("pending: later\n");
    const waiting = startCli(["oauth", "status", "--wait", flow, "--json"], { env: env() });
    await decide(auth_url, "allow");
    expect(await waiting.ended).toBe(0);
    expect(JSON.parse(waiting.stdout())).toEqual({ status: "done", service_name: "later" });
  });

  test("cancels it", async () => {
    const { auth_url, flow } = await begin("cancelled");
    expect(await cli(["oauth", "cancel", flow], { env: env() })).toEqual({
      code: 0,
      stdout: "Login cancelled.\n",
      stderr: "",
    });
    expect(await callbackStatus(auth_url)).toBe(400);
    expect(await cli(["oauth", "status", flow], { env: env() })).toMatchObject({ code: 1, stdout: "" });
    expect((await cli(["oauth", "cancel", flow], { env: env() })).stderr).toMatch(/^error: /);
    const unknown = await cli(["oauth", "status", "--wait", "flow_x"], { env: env() });
    expect(unknown.stderr).toMatch(/^error: the vault does not know this login/);
  });
});

test("a lock ends the wait", async () => {
  const running = startCli(login("locked", ...inBrowser(), ...client()), { env: env() });
  await running.see(/Ctrl-C/);
  await call(server.address, "POST", "/auth/lock", { token: admin });
  expect(await running.ended).toBe(1);
  expect(running.stderr()).toMatch(/^error: vault is locked: run `vault-cli unlock`$/m);
  await call(server.address, "POST", "/auth/unlock", { body: JSON.stringify({ password: PASSWORD }) });
});
