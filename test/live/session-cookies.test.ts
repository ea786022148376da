import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startLiveVault, type LiveVault } from "./live-vault.js";
import { cli, PASSWORD } from "./processes.js";
import { eventually, exchange, startRawUpstream, type RawUpstream } from "./raw-sockets.js";
import { createSessionApp } from "./session-app.js";
import { headerValues } from "./tls-upstream.js";
import { call, makeToken, open, unlock, type Answered } from "./vault-calls.js";

const SECRET = "k3y-0123456789abcdefABCDEF";

let live: LiveVault;
const app = createSessionApp();
const { issued, streams } = app;
/** Everything that callers have received. */
let received = "";

beforeAll(async () => {
  live = await startLiveVault({ answer: app.answer });
  await live.addService("app", { type: "bearer", token: SECRET }, { session_cookies: true });
});

afterAll(() => live.close());

beforeEach(async () => {
  await proxied("app", "/logout");
});

async function proxied(
  service: string,
  path: string,
  token = live.token,
  headers: string[] = [],
): Promise<Answered> {
  const answered = await call(live.server.address, "GET", `/proxy/${service}${path}`, { token, headers });
  received += `${answered.rawHeaders.join("\n")}\n${answered.text}\n`;
  expect(headerValues(answered.rawHeaders, "set-cookie")).toEqual([]);
  return answered;
}

/** The Cookie fields of the last request that reached the upstream. */
function sentCookies(): string[] {
  return headerValues(live.upstream.requests.at(-1)?.rawHeaders ?? [], "cookie");
}

function lastIssued(): string {
  return issued.at(-1) ?? "";
}

describe("a service with session_cookies", () => {
  test("is logged in by one call, stays so for others, and is logged out", async () => {
    expect((await proxied("app", "/me")).status).toBe(401);
    const login = await proxied("app", "/login");
    const { length } = lastIssued();
    expect(login.json).toEqual({ session: "*".repeat(length) });
    expect(login.headers["x-session"]).toBe("*".repeat(length));
    const me = await proxied("app", "/me");
    expect(me.status).toBe(200);
    expect(sentCookies()).toEqual([`sid=${encodeURIComponent(lastIssued())}; lang=en`]);
    expect((await proxied("app", "/zipped")).text).toMatch(/"sid=\*+; lang=en"/);
    expect((await proxied("app", "/me", await makeToken(live.server, live.admin))).status).toBe(200);
    expect((await proxied("app", "/logout")).json).toEqual({ was: "*".repeat(length) });
    expect((await proxied("app", "/me")).status).toBe(401);
    expect(sentCookies()).toEqual(["lang=en"]);
  });

  test("sends none of the caller's own cookies", async () => {
    await proxied("app", "/login");
    await proxied("app", "/me", live.token, ["Cookie", "sid=mine", "cookie", "x=y", "Cookie2", "z"]);
    expect(sentCookies().map((field) => field.split("; ").sort())).toEqual([
      ["lang=en", `sid=${encodeURIComponent(lastIssued())}`],
    ]);
    expect(live.upstream.requests.at(-1)?.rawHeaders.join()).not.toContain("mine");
  });

  test("has a session of its own, also beside another service of the same host", async () => {
    await live.addService("twin", { type: "bearer", token: SECRET }, { session_cookies: true });
    await live.addService("none", { type: "bearer", token: SECRET });
    await proxied("app", "/login");
    for (const service of ["twin", "none"]) {
      expect((await proxied(service, "/me")).status).toBe(401);
      expect(sentCookies()).toEqual([]);
    }
    // Nothing keeps this session, nor hides it.
    await call(live.server.address, "GET", "/proxy/none/login", { token: live.token });
    issued.pop();
    expect((await proxied("none", "/me")).status).toBe(401);
    expect((await proxied("app", "/me")).status).toBe(200);
  });

  test("keeps it through changes of what has nothing to do with it, and loses it with its credential or itself", async () => {
    const define = (settings: object, token = SECRET): Promise<void> =>
      live.addService("edited", { type: "bearer", token }, { session_cookies: true, ...settings });
    await define({});
    await proxied("edited", "/login");
    await define({ description: "renamed" });
    expect((await proxied("edited", "/me")).status).toBe(200);
    await define({ session_cookies: false });
    expect((await proxied("edited", "/me")).status).toBe(401);
    const changes = [
      () => define({}, `${SECRET}2`),
      () => define({ base_url: live.upstream.origin.replace("127.0.0.1", "localhost") }),
      async () => {
        await call(live.server.address, "DELETE", "/services/edited", { token: live.admin });
        await define({});
      },
    ];
    for (const change of changes) {
      await define({});
      await proxied("edited", "/login");
      expect((await proxied("edited", "/me")).status).toBe(200);
      await change();
      expect((await proxied("edited", "/me")).status).toBe(401);
    }
  });

  test("loses it when the vault is locked", async () => {
    await proxied("app", "/login");
    await call(live.server.address, "POST", "/auth/lock", { token: live.admin, body: "{}" });
    await unlock(live.server, PASSWORD);
    expect((await proxied("app", "/me")).status).toBe(401);
    expect(sentCookies()).toEqual([]);
  });

  test("overwrites a session that began, or has ended, while an answer was under way", async () => {
    await proxied("app", "/login");
    const before = lastIssued();
    const log = await open(live.server.address, "GET", "/proxy/app/log", { token: live.token });
    let text = "";
    log.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await eventually(() => text !== "");
    await proxied("app", "/logout");
    await proxied("app", "/login");
    await proxied("app", "/login");
    const now = lastIssued();
    const [stream] = streams.splice(0);
    for (const piece of [`data: ${before.slice(0, 9)}`, `${before.slice(9)} ${now}\n\n`, "data: end\n\n"]) {
      stream?.write(piece);
    }
    await eventually(() => text.includes("end"));
    expect(text).toBe(
      `: begun\n\ndata: ${"*".repeat(before.length)} ${"*".repeat(now.length)}\n\ndata: end\n\n`,
    );
    stream?.destroy();
  });

  test.each([
    ["sid=12345678; Domain=evil.example", []],
    ["sid=12345678; Domain=com", []],
    ["sid=12345678; Domain=127.0.0.1; Path=/", ["sid=12345678"]],
    ["__Host-sid=12345678", []],
    ["sid=12345678; Path=/elsewhere", []],
    ["sid=\xe9\xff345678; Path=/", ["sid=\xe9\xff345678"]],
    ["sid=1234\t5678; Path=/", []],
    ["=; =;;;", []],
    ["sid=12345678; Expires=\xff; Max-Age=\xff; Domain=; Path=/", ["sid=12345678"]],
  ])("of Set-Cookie %j sends %j", async (cookie, sent) => {
    await live.addService(
      "fresh",
      { type: "bearer", token: randomBytes(20).toString("hex") },
      { session_cookies: true },
    );
    expect((await proxied("fresh", `/set?cookie=${encodeURIComponent(cookie)}`)).status).toBe(200);
    await proxied("fresh", "/x");
    expect(sentCookies()).toEqual(sent);
  });

  test("keeps fifty cookies of however many, and outlives more than a head may have", async () => {
    await live.addService("bulk", { type: "bearer", token: SECRET }, { session_cookies: true });
    expect((await proxied("bulk", "/bulk")).status).toBe(200);
    expect((await proxied("bulk", "/count")).json).toEqual({ count: 50 });
    expect((await proxied("bulk", "/huge")).status).toBe(502);
    expect((await proxied("bulk", "/count")).json).toEqual({ count: 50 });
  });

  test("is refused together with forward_cookies, and shown in its description", async () => {
    const define = (settings: object): Promise<Answered> =>
      call(live.server.address, "POST", "/services", {
        token: live.admin,
        body: JSON.stringify({
          name: "both",
          base_url: "https://api.example.com",
          auth: { type: "bearer", token: SECRET },
          ...settings,
        }),
      });
    expect(await define({ session_cookies: true, forward_cookies: true })).toMatchObject({
      status: 400,
      json: {
        code: "invalid_request",
        error: "session_cookies: cannot be used together with forward_cookies",
      },
    });
    expect(await define({ session_cookies: true })).toMatchObject({
      status: 201,
      json: { session_cookies: true },
    });
  });

  test("is made by vault-cli service add --session-cookies", async () => {
    const added = await cli(
      [
        "service",
        "add",
        "by-cli",
        "--base-url",
        live.upstream.origin,
        "--type",
        "bearer",
        "--secret-stdin",
        "--session-cookies",
        "--allow-private",
      ],
      { env: { VAULT_ADDR: live.server.address, VAULT_TOKEN: live.admin }, stdin: `${SECRET}\n` },
    );
    expect(added).toMatchObject({ code: 0 });
    const shown = await call(live.server.address, "GET", "/services/by-cli", { token: live.token });
    expect(shown.json).toMatchObject({ session_cookies: true });
  });
});

describe("of a plain http upstream on loopback", () => {
  let upstream: RawUpstream;
  let respond: (socket: Socket) => void;
  const heads: string[] = [];
  const HANDSHAKE = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ];

  beforeAll(async () => {
    upstream = await startRawUpstream((socket, head) => {
      heads.push(head);
      respond(socket);
    });
  });

  afterAll(() => upstream.close());

  beforeEach(async () => {
    heads.length = 0;
    // Another credential each time, so that there are no cookies yet.
    await live.addService(
      "dev",
      { type: "bearer", token: randomBytes(20).toString("hex") },
      { base_url: upstream.origin, session_cookies: true },
    );
  });

  async function send(
    lines: readonly string[],
    answered: string,
    headers: readonly string[] = [],
  ): Promise<string> {
    respond = (socket) => socket.end(`${lines.join("\r\n")}\r\n\r\n${answered}`);
    const request = [
      "GET /proxy/dev/x HTTP/1.1",
      "Host: localhost",
      `Authorization: Bearer ${live.token}`,
      ...headers,
    ];
    const close = headers.length === 0 ? ["Connection: close"] : [];
    const all = await exchange(live.server.address, `${[...request, ...close].join("\r\n")}\r\n\r\n`);
    received += all;
    expect(all.toLowerCase()).not.toContain("set-cookie");
    return all;
  }

  /** The Cookie lines of the next request. */
  async function cookiesNow(headers: readonly string[] = []): Promise<string[]> {
    await send(["HTTP/1.1 200 OK", "Content-Length: 0"], "", headers);
    return (
      heads
        .at(-1)
        ?.split("\r\n")
        .filter((line) => line.startsWith("Cookie:")) ?? []
    );
  }

  test("ordinary cookies work, Secure ones do not", async () => {
    await send(["HTTP/1.1 200 OK", "set-cookie: a=1", "SET-COOKIE: b=2; Secure", "Content-Length: 0"], "");
    expect(await cookiesNow()).toEqual(["Cookie: a=1"]);
  });

  test("nothing is taken of interim answers and trailers, and none of them reaches the caller", async () => {
    const answer = await send(
      [
        "HTTP/1.1 103 Early Hints",
        "Set-Cookie: early=12345678",
        "Link: </a>",
        "",
        "HTTP/1.1 200 OK",
        "Transfer-Encoding: chunked",
        "Trailer: Set-Cookie",
      ],
      "2\r\nok\r\n0\r\nSet-Cookie: late=12345678\r\nX-End: yes\r\n\r\n",
    );
    expect(answer).toContain("103 Early Hints");
    expect(answer).toContain("X-End: yes");
    expect(await cookiesNow()).toEqual([]);
  });

  test("a WebSocket handshake sends them, and sets them when it succeeds and when it does not", async () => {
    const refused = await send(
      ["HTTP/1.1 401 No", "Set-Cookie: first=12345678", "Content-Length: 8"],
      "12345678",
      HANDSHAKE,
    );
    expect(refused).toMatch(/^HTTP\/1\.1 401 /);
    expect(refused).toMatch(/\*{8}$/);
    const switched = await send(
      [
        "HTTP/1.1 101 Switching Protocols",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Set-Cookie: second=abcdefgh",
        "X-Echo: abcdefgh",
      ],
      "\x81\x11abcdefgh 12345678",
      HANDSHAKE,
    );
    expect(heads.at(-1)).toContain("\r\nCookie: first=12345678\r\n");
    expect(switched).toMatch(/^HTTP\/1\.1 101 /);
    expect(switched).toContain("X-Echo: ********");
    expect(switched).toMatch(/\x81\x11\*{8} \*{8}$/);
    expect(await cookiesNow(HANDSHAKE)).toEqual(["Cookie: first=12345678; second=abcdefgh"]);
  });
});

test("no caller has seen a session, and nothing of one is in the log or on disk", async () => {
  expect(issued.length).toBeGreaterThan(5);
  const file = await readFile(`${live.server.dataDir}/vault.enc`, "latin1");
  for (const session of issued) {
    for (const written of [session, encodeURIComponent(session), session.slice(2)]) {
      expect(received).not.toContain(written);
      expect(live.server.log()).not.toContain(written);
      expect(file).not.toContain(written);
    }
  }
});
