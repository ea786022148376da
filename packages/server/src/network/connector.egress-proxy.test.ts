import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ConnectorOptions } from "./connector.js";
import { startConnectProxy, type ConnectProxy } from "./testing/connect-proxy.js";
import { answers, createLoopbackUpstreams, fails } from "./testing/loopback-upstreams.js";

const cleanups: (() => Promise<void>)[] = [];
const upstreams = createLoopbackUpstreams();
const { ask } = upstreams;
let httpsPort: number;
let httpPort: number;

beforeAll(async () => {
  httpsPort = await upstreams.listenHttps("DNS:api.example,DNS:localhost,IP:127.0.0.1");
  httpPort = await upstreams.listenHttp();
});

afterAll(() => upstreams.close());

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe("an egress proxy", () => {
  async function throughProxy(
    origin: string,
    options: Partial<ConnectorOptions> & { answer?: string; userinfo?: string } = {},
  ): Promise<{ outcome: unknown; proxy: ConnectProxy }> {
    const { answer, userinfo = "", ...rest } = options;
    const proxy = await startConnectProxy(answer);
    cleanups.push(() => proxy.close());
    const egressProxy = new URL(`http://${userinfo}127.0.0.1:${proxy.port}`);
    return { outcome: await ask(origin, { egressProxy, lookup: fails("ENOTFOUND"), ...rest }), proxy };
  }

  test("on loopback is exempt; a name that does not resolve here is the proxy's to decide", async () => {
    const port = httpsPort;
    const { outcome, proxy } = await throughProxy(`https://api.example:${port}`, { allowPrivate: false });
    expect(outcome).toMatchObject({ servername: "api.example" });
    expect(proxy.heads).toEqual([
      `CONNECT api.example:${port} HTTP/1.1\r\nHost: api.example:${port}\r\n\r\n`,
    ]);
  });

  test("does not wait for a local resolver that never answers", async () => {
    const { outcome } = await throughProxy(`https://api.example:${httpsPort}`, {
      connectTimeoutMs: 1_000,
      lookup: () => undefined,
    });
    expect(outcome).toMatchObject({ servername: "api.example" });
  });

  test("spoken to over TLS must have a trusted certificate", async () => {
    const egressProxy = new URL(`https://localhost:${httpsPort}`);
    expect(await ask("https://api.example", { egressProxy, lookup: fails("ENOTFOUND") })).toEqual({
      code: "upstream_failed",
      message: "the egress proxy cannot be reached",
    });
  });

  test("gets its credentials, and nothing of them goes on", async () => {
    const { outcome, proxy } = await throughProxy(`https://api.example:${httpsPort}`, {
      userinfo: "us%40er:p%3Aw@",
    });
    expect(outcome).toMatchObject({ servername: "api.example" });
    const credentials = Buffer.from("us@er:p:w").toString("base64");
    expect(proxy.heads[0]).toContain(`\r\nProxy-Authorization: Basic ${credentials}\r\n`);
  });

  test("carries plain http in a tunnel too", async () => {
    expect((await throughProxy(`http://api.example:${httpPort}`)).outcome).toBe("plain");
  });

  test("does not weaken certificate checks", async () => {
    const { outcome } = await throughProxy(`https://other.example:${httpsPort}`);
    expect(outcome).toMatchObject({ message: "the upstream's certificate is for another name" });
  });

  test.each<[string, Partial<ConnectorOptions>]>([
    ["https://127.0.0.1", {}],
    ["https://localhost", {}],
    ["https://169.254.169.254", { allowPrivate: true }],
    ["https://metadata", { allowPrivate: true }],
    ["https://api.example", { lookup: answers("10.0.0.1") }],
    ["https://api.example", { lookup: answers("8.8.8.8", "10.0.0.1") }],
    ["https://api.example", { lookup: answers("169.254.169.254"), allowPrivate: true }],
  ])("is not asked for %s with %o", async (origin, options) => {
    const { outcome, proxy } = await throughProxy(origin, { allowPrivate: false, ...options });
    expect(outcome).toMatchObject({ code: "destination_blocked" });
    expect(proxy.heads).toEqual([]);
  });

  test.each([
    ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the egress proxy asks for other credentials"],
    [
      "HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nsecret",
      "the egress proxy refused the connection (status 403)",
    ],
    [
      "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
      "the egress proxy sent data of its own into the tunnel",
    ],
    ["garbage\r\n\r\n", "the egress proxy's answer is not valid HTTP"],
    [`HTTP/1.1 200 OK\r\nX: ${"a".repeat(70_000)}`, "the egress proxy's answer is not valid HTTP"],
    ["HTTP/1.1 200 OK\r\n\r\n", "the upstream closed the connection before its answer was complete"],
    ["HTTP/1.1 200", "the egress proxy closed the connection"],
    ["", "the egress proxy closed the connection"],
  ])("that answers %j fails the call", async (answer, message) => {
    const { outcome } = await throughProxy("https://api.example", { answer });
    expect(outcome).toEqual({ code: "upstream_failed", message });
  });

  test("that cannot be reached is named as the cause", async () => {
    const proxy = await startConnectProxy();
    await proxy.close();
    const egressProxy = new URL(`http://127.0.0.1:${proxy.port}`);
    expect(await ask("https://api.example", { egressProxy, lookup: fails("ENOTFOUND") })).toEqual({
      code: "upstream_failed",
      message: "the egress proxy cannot be reached",
    });
  });

  const late = { code: "upstream_timeout", message: "the upstream did not accept the connection in time" };

  test("deadline covers the proxy's answer to CONNECT", async () => {
    const proxy = await startConnectProxy("silent");
    cleanups.push(() => proxy.close());
    const egressProxy = new URL(`http://127.0.0.1:${proxy.port}`);
    const options = { connectTimeoutMs: 100, egressProxy, lookup: answers("127.0.0.1") };
    expect(await ask("https://api.example", options)).toEqual(late);
  });

  test("deadline covers the TLS handshake inside the tunnel", async () => {
    const proxy = await startConnectProxy();
    cleanups.push(() => proxy.close());
    const egressProxy = new URL(`http://127.0.0.1:${proxy.port}`);
    const options = { connectTimeoutMs: 150, egressProxy, lookup: answers("127.0.0.1") };
    expect(await ask(`https://api.example:${await upstreams.listenSilently()}`, options)).toEqual(late);
  });
});
