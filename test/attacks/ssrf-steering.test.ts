import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { call } from "../live/vault-calls.js";
import { startIsolatedNetwork, WORLD_PORTS, type IsolatedNetwork } from "./isolated-network.js";
import { openIsolatedVault, type IsolatedVault } from "./isolated-vault.js";

/*
 * Nobody but the admin says where a service is: not a base_url that reads differently to different parsers, not the
 * upstream, not the caller. In an isolated network, as in ssrf.test.ts.
 */

const PUBLIC = "8.8.8.8";
const NAME = "moving.world.test";
/** So that a call which went astray would be seen, and not only blocked. */
const SEEING = { allow_private: true };
const AT_PUBLIC = { address: PUBLIC, port: WORLD_PORTS.https };

let network: IsolatedNetwork;
let vault: IsolatedVault;

beforeAll(async () => {
  network = await startIsolatedNetwork();
  vault = await openIsolatedVault(network);
});

// A test that fails must not make the next one fail.
beforeEach(async () => {
  await network.takeConnections();
});

afterAll(async () => {
  await vault.server.stop();
  await network.close();
});

function service(name: string, base_url: string): Record<string, unknown> {
  const auth = { type: "bearer", token: "k3y-0123456789abcdefABCDEF" };
  return { name, base_url, tls_ca: network.ca, connect_timeout: "5s", auth };
}

function proxy(target: string, method = "GET", headers: readonly string[] = []): ReturnType<typeof call> {
  const body = method === "POST" ? { body: "{}" } : {};
  return call(vault.server.address, method, target, { token: vault.token, headers, ...body });
}

describe("base_url", () => {
  const HOST = "public.world.test";
  const refused = [
    ...[`https://user@${HOST}`, `https://user:password@${HOST}`, `https://@${HOST}`, `https://:@${HOST}`],
    ...[`https://${HOST}@127.0.0.1`, `https://${HOST}:443@127.0.0.1/`, `https://${HOST}%40127.0.0.1`],
    ...[`https://${HOST}\\@127.0.0.1`, `https://127.0.0.1\\@${HOST}`, `https:\\\\127.0.0.1`],
    ...[`https://${HOST}#@127.0.0.1`, `https://127.0.0.1#@${HOST}`, `https://${HOST}?@127.0.0.1`],
    ...[`http://${HOST}`, `HTTP://${HOST}:443`, `http://127.0.0.1`, `http://[::1]`],
    ...[`https://${HOST}:0`, `https://${HOST}:00000`, `https://${HOST}:65536`, `https://${HOST}:-1`],
    ...[
      `https://${HOST}:443:80`,
      `https://${HOST}:４４３`,
      `https://[::1]:443`,
      `https://[::1`,
      `https://::1`,
    ],
    ...["https://", "https:///127.0.0.1", "https:127.0.0.1", "//127.0.0.1", "127.0.0.1", "/", "."],
    ...["file:///etc/passwd", "ftp://127.0.0.1", "gopher://127.0.0.1:6379/_PING", "dict://127.0.0.1:11211/"],
    ...["ws://127.0.0.1", "wss://127.0.0.1", "data:text/plain,x", "javascript:0", "unix:/run/docker.sock"],
    ...[
      "blob:https://127.0.0.1/x",
      "view-source:https://127.0.0.1",
      "jar:https://127.0.0.1!/",
      "ldap://127.0.0.1",
    ],
    ...[`https://${HOST}\t.evil.test`, `https://127.0\n.0.1`, ` https://127.0.0.1`, `https://127.0.0.1 `],
  ];
  test.each(refused)("%j is not stored", async (base_url) => {
    const definition = { ...service("url", `https://${HOST}`), base_url };
    expect(await vault.store(definition)).toEqual({ status: 400, code: "invalid_request" });
  });

  test("is checked anew when a service is changed", async () => {
    await vault.keep(service("changed", `https://${HOST}`));
    for (const change of [
      { base_url: "https://127.0.0.1" },
      { base_url: "https://0x7f.1" },
      { base_url: `http://${HOST}` },
    ]) {
      const answer = await call(vault.server.address, "PUT", "/services/changed", {
        token: vault.admin,
        body: JSON.stringify({ ...change, auth: { type: "bearer" } }),
      });
      expect(answer).toMatchObject({ status: 400, json: { code: "invalid_request" } });
    }
  });

  test("of a private address is not kept when what allowed it is taken back", async () => {
    await vault.keep({ ...service("taken-back", "https://10.0.0.1"), tls_skip_verify: true });
    expect((await proxy("/proxy/taken-back/")).status).toBe(200);
    expect(await network.takeConnections()).toEqual([{ address: "10.0.0.1", port: WORLD_PORTS.https }]);
    const answer = await call(vault.server.address, "PUT", "/services/taken-back", {
      token: vault.admin,
      body: JSON.stringify({ base_url: "https://10.0.0.1", auth: { type: "bearer" } }),
    });
    expect(answer.status).toBe(400);
  });

  test("that is a name: its open connections are not used on when private addresses are no longer allowed", async () => {
    await network.resolve(NAME, ["10.0.0.1"]);
    const definition = service("kept-alive", `https://${NAME}`);
    await vault.keep({ ...definition, allow_private: true });
    const use = () => proxy("/proxy/kept-alive/?keep");
    expect([(await use()).status, (await use()).status]).toEqual([200, 200]);
    expect(await network.takeConnections()).toHaveLength(1);
    await vault.keep(definition);
    expect(await use()).toMatchObject({ status: 403, json: { code: "destination_blocked" } });
    expect(await network.takeConnections()).toEqual([]);
  });
});

describe("what an upstream answers cannot move the vault", () => {
  const elsewhere = [
    ...["http://127.0.0.1/", "https://127.0.0.1/admin", "http://169.254.169.254/latest/meta-data/"],
    ...[
      "https://[::1]/",
      "http://metadata.google.internal/",
      "https://localhost:443/x",
      "http://10.0.0.1:80",
    ],
    ...[
      "https://other.test/",
      "gopher://127.0.0.1:6379/_x",
      "file:///etc/passwd",
      "https://moving.world.test:80/",
    ],
  ];

  beforeAll(async () => {
    await network.resolve(NAME, [PUBLIC]);
    await network.resolve("other.test", ["127.0.0.1"]);
    await vault.keep({ ...service("moved", `https://${NAME}`), ...SEEING });
    await network.takeConnections();
  });

  test.each([301, 302, 303, 307, 308, 300, 305, 201])(
    "%i passes with its Location, and is not followed",
    async (status) => {
      for (const location of elsewhere) {
        const query = new URLSearchParams({ status: String(status), header: `Location: ${location}` });
        for (const method of ["GET", "POST"]) {
          const answer = await proxy(`/proxy/moved/?${query.toString()}`, method);
          expect([answer.status, answer.headers.location]).toEqual([status, location]);
        }
      }
      const connections = await network.takeConnections();
      expect(connections).toEqual(Array(elsewhere.length * 2).fill(AT_PUBLIC));
    },
  );

  test.each([
    'Alt-Svc: h2="127.0.0.1:80"; ma=86400; persist=1, http/1.1="127.0.0.1:80"',
    "Alt-Used: 127.0.0.1",
    "Refresh: 0; url=https://127.0.0.1/",
    "Content-Location: https://127.0.0.1/",
    "Link: <https://127.0.0.1/>; rel=preload",
    "Connection: close, Upgrade",
    "Proxy-Authenticate: Basic realm=x",
  ])("%s", async (header) => {
    const query = new URLSearchParams({ header });
    for (let times = 0; times < 2; times += 1) {
      expect((await proxy(`/proxy/moved/?${query.toString()}`)).status).toBe(200);
    }
    expect(await network.takeConnections()).toEqual([AT_PUBLIC, AT_PUBLIC]);
  });

  test("a call that is tried once more is decided once more", async () => {
    await network.resolve(NAME, [PUBLIC], ["127.0.0.1"]);
    await vault.keep(service("cut", `https://${NAME}`));
    const use = () => proxy("/proxy/cut/?keep&cut");
    expect((await use()).status).toBe(200);
    expect(await use()).toMatchObject({ status: 403, json: { code: "destination_blocked" } });
    expect(await network.lookups(NAME)).toBe(2);
    expect(await network.takeConnections()).toEqual([AT_PUBLIC]);
  });
});

describe("what a caller sends cannot move the vault", () => {
  beforeAll(async () => {
    await network.resolve(NAME, [PUBLIC]);
    await network.resolve(`${NAME}.other.test`, ["127.0.0.1"]);
    await vault.keep({ ...service("steered", `https://${NAME}`), ...SEEING });
    await network.takeConnections();
  });

  test.each([
    ...[
      "/proxy/steered@127.0.0.1/",
      "/proxy/steered/@127.0.0.1/",
      "/proxy/steered:80/",
      "/proxy/steered/:80/",
    ],
    ...["/proxy/steered//127.0.0.1/", "/proxy/steered/\\\\127.0.0.1/", "/proxy/steered.other.test/"],
    ...["/proxy/steered/.other.test/", "/proxy/steered/https://127.0.0.1/", "/proxy/steered?@127.0.0.1/"],
    ...[
      "/proxy/steered#@127.0.0.1/",
      "/proxy/steered%2f@127.0.0.1/",
      "/proxy/steered/%0d%0aHost:%20127.0.0.1",
    ],
    ...["http://127.0.0.1/proxy/steered/", "https://169.254.169.254/proxy/steered/x", "/proxy/127.0.0.1/"],
    ...["/proxy//127.0.0.1/", "/proxy/steered/..//127.0.0.1/", "/proxy/https:%2f%2f127.0.0.1/"],
  ])("the target %s", async (target) => {
    await proxy(target);
    const connections = await network.takeConnections();
    expect(connections.filter(({ address }) => address !== PUBLIC)).toEqual([]);
  });

  test.each([
    ["Host", "127.0.0.1"],
    ["Host", "169.254.169.254"],
    ["X-Forwarded-Host", "127.0.0.1"],
    ["X-Host", "127.0.0.1"],
    ["X-Original-URL", "http://127.0.0.1/"],
    ["Forwarded", "host=127.0.0.1"],
    ["Alt-Used", "127.0.0.1"],
    ["Destination", "http://127.0.0.1/"],
    ["Proxy-Connection", "keep-alive"],
  ])("the header %s: %s", async (name, value) => {
    const answer = await proxy("/proxy/steered/", "GET", [name, value]);
    expect(answer).toMatchObject({ status: 200, json: { host: NAME } });
    expect(await network.takeConnections()).toEqual([AT_PUBLIC]);
  });
});
