import { UNRESTRICTED } from "../authorization/grant.js";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { toServiceRecord, serviceDefinitionSchema } from "../auth-strategies/service-definition.js";
import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { TokenRecord } from "../tokens/token-record.js";
import type { ConnectionOutcome } from "./session.js";
import { createSessionRegistry, type OpenedSession, type SessionRegistry } from "./session-registry.js";
import type { SessionRegistryParts, SessionRequest } from "./session-registry.js";
import { driversWith, lineDriver } from "./testing/line-driver.js";
import { startLineServer, type LineServer } from "./testing/line-server.js";

const TOKEN: TokenRecord = {
  digest: "d1",
  id_prefix: "tok_AAAAAAAA",
  scope: "proxy",
  created_at: "2026-01-01T00:00:00Z",
  expires_at: "2100-01-01T00:00:00Z",
};

interface World {
  readonly registry: SessionRegistry;
  readonly services: Map<string, ServiceRecord>;
  readonly outcomes: ConnectionOutcome[];
  readonly ended: string[];
  readonly open: (request?: Partial<SessionRequest>) => Promise<OpenedSession>;
}

let server: LineServer;
const worlds: World[] = [];
const clients: Socket[] = [];

beforeEach(async () => {
  server = await startLineServer();
});
afterEach(async () => {
  for (const { registry } of worlds.splice(0))
    registry.end(() => true, new VaultProxyError("vault_locked", "x"));
  for (const client of clients.splice(0)) client.destroy();
  await server.close();
});

function world(settings: object = {}, parts: Partial<SessionRegistryParts> = {}, auth: object = {}): World {
  const services = new Map([["db", service(settings, auth)]]);
  const outcomes: ConnectionOutcome[] = [];
  const ended: string[] = [];
  const registry = createSessionRegistry({
    authorize: () => UNRESTRICTED,
    audit: { ready: () => undefined, record: () => undefined },
    records: () => services,
    drivers: driversWith(lineDriver({ servesBeyond: false })),
    address: { host: "127.0.0.1", ports: undefined },
    isAllowedPeer: () => Promise.resolve(true),
    accessToken: () => Promise.resolve("token"),
    ...{ randomBytes, random: Math.random, clock: Date.now },
    events: {
      opened: () => undefined,
      connectionEnded: (_session, outcome) => outcomes.push(outcome),
      ended: ({ id }) => ended.push(id),
    },
    ...parts,
  });
  const open = (request: Partial<SessionRequest> = {}): Promise<OpenedSession> =>
    registry.open({
      protocol: "redis",
      service: "db",
      token: TOKEN,
      origin: {},
      openerUid: undefined,
      ...request,
    });
  const made = { registry, services, outcomes, ended, open };
  worlds.push(made);
  return made;
}

function service(settings: object, auth: object = {}): ServiceRecord {
  return toServiceRecord(
    serviceDefinitionSchema.parse({
      name: "db",
      allow_private: true,
      auth: {
        ...{ type: "redis", redis_host: "127.0.0.1", redis_port: server.port },
        redis_password: "secret-password",
        ...auth,
      },
      ...settings,
    }),
  );
}

async function client(addr: string): Promise<Socket> {
  const [host, port] = addr.split(":");
  const socket = connect({ host: host ?? "", port: Number(port), allowHalfOpen: true });
  clients.push(socket);
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  return socket;
}

async function talk(socket: Socket, text: string, until: string): Promise<string> {
  let heard = "";
  const all = new Promise<string>((resolve) => {
    const check = (chunk: Buffer): void => {
      heard += chunk.toString();
      if (!heard.includes(until)) return;
      socket.off("data", check);
      resolve(heard);
    };
    socket.on("data", check);
    socket.once("close", () => resolve(heard)).once("end", () => resolve(heard));
  });
  socket.write(text);
  return all;
}

async function isRefused(addr: string): Promise<boolean> {
  const socket = await client(addr);
  if (socket.destroyed) return true;
  await Promise.race([once(socket, "close"), once(socket.resume(), "end")]);
  return true;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("the condition did not come true");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("a session for one client", () => {
  test("is logged in for whoever connects, and passes on what was sent ahead", async () => {
    const { open, outcomes, registry, ended } = world();
    const { addr, id } = await open();
    expect(registry.list()).toMatchObject([{ id, service: "db", connections: 0, maxConnections: 1 }]);
    const socket = await client(addr);
    expect(await talk(socket, "hello\nahead;", "ahead;")).toBe("ready\nahead;");
    expect(await talk(socket, "more;", "more;")).toBe("more;");
    expect(registry.list()).toMatchObject([{ connections: 1, bytesIn: 17, bytesOut: 17 }]);
    socket.end("last");
    await once(socket, "close");
    await until(() => ended.length === 1);
    expect(outcomes).toMatchObject([{ connected: true, end: "closed", bytesIn: 21, bytesOut: 21 }]);
    expect([registry.list(), ended]).toEqual([[], [id]]);
    expect(server.heard()).toBe("login secret-password\n");
  });

  test("takes no other client", async () => {
    const { open } = world();
    const { addr } = await open();
    const first = await client(addr);
    await talk(first, "hello\n", "ready");
    expect(await isRefused(addr)).toBe(true);
    expect(await talk(first, "still;", "still;")).toBe("still;");
  });

  test("opens no connection to the server before a client comes, and none for one that is refused", async () => {
    const { open } = world({}, { isAllowedPeer: () => Promise.resolve(false) });
    const { addr } = await open();
    expect(await isRefused(addr)).toBe(true);
    expect(server.sockets.size).toBe(0);
  });

  test("a client of another user uses up nothing", async () => {
    let isAllowed = false;
    const { open } = world({}, { isAllowedPeer: () => Promise.resolve(isAllowed) });
    const { addr } = await open();
    expect(await isRefused(addr)).toBe(true);
    isAllowed = true;
    expect(await talk(await client(addr), "hello\n", "ready")).toBe("ready\n");
  });

  test("any user's client may come where the service says so", async () => {
    const { open } = world({ any_local_user: true }, { isAllowedPeer: () => Promise.resolve(false) });
    const { addr } = await open();
    expect(await talk(await client(addr), "hello\n", "ready")).toBe("ready\n");
  });

  test("the user who opened the session is asked about", async () => {
    const asked: unknown[] = [];
    const isAllowedPeer = (_client: Socket, uid: number | undefined): Promise<boolean> => {
      asked.push(uid);
      return Promise.resolve(true);
    };
    const { open } = world({}, { isAllowedPeer });
    const { addr } = await open({ openerUid: 1234 });
    await talk(await client(addr), "hello\n", "ready");
    expect(asked).toEqual([1234]);
  });

  test("is gone when nobody comes in time", async () => {
    const { open, registry, ended } = world();
    const { addr } = await open({ timeoutMs: 100 });
    await until(() => ended.length === 1);
    expect(registry.list()).toEqual([]);
    expect((await client(addr)).destroyed).toBe(true);
  });

  test("outlives the time for connecting once a client is there", async () => {
    const { open } = world();
    const { addr } = await open({ timeoutMs: 150 });
    const socket = await client(addr);
    await talk(socket, "hello\n", "ready");
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(await talk(socket, "still;", "still;")).toBe("still;");
  });

  test("a client that wants nothing ends it without a connection to the server", async () => {
    const { open, outcomes } = world();
    const { addr } = await open();
    expect(await talk(await client(addr), "bye\n", "bye")).toBe("bye\n");
    await until(() => outcomes.length === 1);
    expect(outcomes).toMatchObject([{ connected: false, end: "served" }]);
    expect(server.sockets.size).toBe(0);
  });

  test("tells a client in its protocol that the server refuses the credential, and closes both", async () => {
    const { open, outcomes } = world({}, {}, { redis_password: "wrong-password" });
    const { addr } = await open();
    const socket = await client(addr);
    expect(await talk(socket, "hello\n", "\n")).toBe("failed: the server refused the stored credential\n");
    socket.end();
    await until(() => outcomes.length === 1 && server.sockets.size === 0);
    expect(outcomes[0]).toMatchObject({ connected: false, end: "failed" });
    expect(outcomes[0]?.error?.code).toBe("upstream_login_failed");
  });

  test("ends when the server dies in the middle", async () => {
    const { open, outcomes } = world();
    const { addr } = await open();
    const socket = await client(addr);
    await talk(socket, "hello\n", "ready");
    const closed = once(socket, "end");
    for (const upstream of server.sockets) upstream.resetAndDestroy();
    await closed;
    socket.end();
    await until(() => outcomes.length === 1);
    expect(outcomes).toMatchObject([{ end: "server_lost" }]);
  });

  test("a connection that is idle for too long is closed", async () => {
    const { open, outcomes } = world();
    const { addr } = await open({ idleTimeoutMs: 150 });
    const socket = await client(addr);
    await talk(socket, "hello\n", "ready");
    for (let turn = 0; turn < 4; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(await talk(socket, "tick;", "tick;")).toBe("tick;");
    }
    await once(socket, "end");
    socket.end();
    await until(() => outcomes.length === 1);
    expect(outcomes).toMatchObject([{ end: "idle" }]);
  });

  test.each([
    ["while it waits", false],
    ["while a client is connected", true],
  ])("is ended from outside %s, with all its sockets", async (_name, isConnected) => {
    const { open, registry, ended } = world();
    const { addr } = await open();
    if (isConnected) {
      const socket = await client(addr);
      await talk(socket, "hello\n", "ready");
      const closed = once(socket, "end");
      registry.end(({ service: name }) => name === "db", new VaultProxyError("vault_locked", "locked"));
      await closed;
      socket.end();
    } else {
      registry.end(() => true, new VaultProxyError("vault_locked", "locked"));
    }
    await until(() => ended.length === 1 && server.sockets.size === 0);
    expect(registry.list()).toEqual([]);
    expect((await client(addr)).destroyed).toBe(true);
  });

  test.each([
    [
      "it is ended",
      (registry: SessionRegistry) => registry.end(() => true, new VaultProxyError("vault_locked", "x")),
    ],
    ["its service changes", (registry: SessionRegistry) => registry.refresh(new Map([["db", service({})]]))],
  ])("lets nobody in whose user was still looked up when %s", async (_name, change) => {
    let answer: ((isAllowed: boolean) => void) | undefined;
    const isAllowedPeer = (): Promise<boolean> => new Promise((resolve) => (answer = resolve));
    const { open, registry } = world({}, { isAllowedPeer });
    const { addr } = await open();
    const socket = await client(addr);
    socket.write("hello\n");
    await until(() => answer !== undefined);
    change(registry);
    answer?.(true);
    await new Promise((resolve) => socket.resume().once("close", resolve).once("end", resolve));
    expect(server.sockets.size).toBe(0);
  });

  test("a client has a minute to log in, unless it need not", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { open, outcomes } = world();
      const slow = await client((await open()).addr);
      expect(await talk(slow, "slow\n", "\n")).toBe("take your time\n");
      const silent = await client((await open()).addr);
      await new Promise((resolve) => setImmediate(resolve));
      vi.advanceTimersByTime(59_000);
      expect(outcomes).toEqual([]);
      vi.advanceTimersByTime(1000);
      await new Promise((resolve) => silent.resume().once("close", resolve).once("end", resolve));
      expect(outcomes).toMatchObject([{ end: "ended", error: { message: "the log-in took too long" } }]);
      expect(await talk(slow, "hello\n", "ready")).toBe("ready\n");
    } finally {
      vi.useRealTimers();
    }
  });

  test("a log-in that fails behind the server's leaves no connection to the server", async () => {
    const { open, outcomes } = world();
    const { addr } = await open();
    const socket = await client(addr);
    socket.write("fail\n");
    await until(() => outcomes.length === 1);
    await until(() => server.heard() !== "" && server.sockets.size === 0);
  });

  test("is ended while its port is being opened, and the port with it", async () => {
    const free = await world().open();
    const port = Number(free.addr.split(":")[1]);
    worlds[0]?.registry.end(() => true, new VaultProxyError("vault_locked", "locked"));
    const { open, registry } = world(
      {},
      { address: { host: "127.0.0.1", ports: { first: port, last: port } } },
    );
    const opening = open();
    registry.end(() => true, new VaultProxyError("vault_locked", "locked"));
    await expect(opening).rejects.toMatchObject({ code: "vault_locked" });
    await until(() => registry.list().length === 0);
    expect((await client(`127.0.0.1:${port}`)).destroyed).toBe(true);
  });

  test("is ended while its client logs in", async () => {
    const { open, registry, outcomes } = world();
    const { addr } = await open();
    const socket = await client(addr);
    await until(() => registry.list()[0]?.connections === 1);
    registry.end(() => true, new VaultProxyError("vault_locked", "locked"));
    await once(socket, "end");
    await until(() => outcomes.length === 1);
    expect(outcomes[0]).toMatchObject({ end: "ended", error: { code: "vault_locked" } });
  });
});

describe("a session for several clients", () => {
  test("takes so many at a time, each with a connection of its own, and another when one has gone", async () => {
    const { open } = world();
    const { addr } = await open({ maxConnections: 3 });
    const sockets = await Promise.all([1, 2, 3].map(() => client(addr)));
    for (const [index, socket] of sockets.entries())
      expect(await talk(socket, `hello\n${index};`, ";")).toBe(`ready\n${index};`);
    expect(server.sockets.size).toBe(3);
    expect(await isRefused(addr)).toBe(true);
    sockets[0]?.end();
    await until(() => server.sockets.size === 2);
    expect(await talk(await client(addr), "hello\n", "ready")).toBe("ready\n");
  });

  test("ends with its connections when it expires", async () => {
    const { open, ended } = world();
    const { addr } = await open({ maxConnections: 2, timeoutMs: 300 });
    const socket = await client(addr);
    await talk(socket, "hello\n", "ready");
    await once(socket, "end");
    socket.end();
    await until(() => ended.length === 1 && server.sockets.size === 0);
  });
});

describe("the token that opened a session", () => {
  test.each([1, 3])("ends it and its connections when it expires (%i clients)", async (maxConnections) => {
    const { open, ended } = world();
    const token = { ...TOKEN, expires_at: new Date(Date.now() + 400).toISOString() };
    const { addr } = await open({ token, maxConnections, timeoutMs: 200_000 });
    const socket = await client(addr);
    await talk(socket, "hello\n", "ready");
    await once(socket, "end");
    socket.end();
    await until(() => ended.length === 1 && server.sockets.size === 0);
  });

  test("does not end it before, however long it lives: longer than a timer of Node", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { open } = world();
      const { addr } = await open({ token: { ...TOKEN, expires_at: "9999-01-01T00:00:00Z" } });
      const socket = await client(addr);
      await talk(socket, "hello\n", "ready");
      vi.advanceTimersByTime(2 ** 31);
      expect(await talk(socket, "still;", "still;")).toBe("still;");
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a stop of the server", () => {
  test("lets no more clients in, and waits for those that are there", async () => {
    const { open, registry } = world();
    const waiting = await open();
    const several = await open({ maxConnections: 3 });
    const socket = await client(several.addr);
    await talk(socket, "hello\n", "ready");
    let isDrained = false;
    const drained = registry.drain().then(() => (isDrained = true));
    expect((await client(waiting.addr)).destroyed).toBe(true);
    expect((await client(several.addr)).destroyed).toBe(true);
    expect(await talk(socket, "still;", "still;")).toBe("still;");
    await expect(open()).rejects.toMatchObject({ code: "unavailable" });
    expect(isDrained).toBe(false);
    socket.end();
    await drained;
    expect(registry.list()).toEqual([]);
  });

  test("waits for nothing where there is no session", async () => {
    await world().registry.drain();
  });
});

describe("clients beyond the places of a session", () => {
  test("are not served without end", async () => {
    const { open } = world({}, { drivers: driversWith(lineDriver({ servesBeyond: true })) });
    const { addr } = await open();
    const first = await client(addr);
    await talk(first, "hello\n", "ready");
    await Promise.all(Array.from({ length: 64 }, () => client(addr)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await talk(await client(addr), "hello\n", "\n")).toBe("full, come again\n");
    expect(await talk(first, "still;", "still;")).toBe("still;");
  });

  test("hear why where places may be free again", async () => {
    const { open } = world();
    const { addr } = await open({ maxConnections: 2 });
    const sockets = [await client(addr), await client(addr)];
    for (const socket of sockets) await talk(socket, "hello\n", "ready");
    expect(await talk(await client(addr), "hello\n", "full")).toBe("full, come again\n");
  });

  test("are served as the driver does, while the listener stays", async () => {
    const { open, registry } = world({}, { drivers: driversWith(lineDriver({ servesBeyond: true })) });
    const { addr } = await open();
    const first = await client(addr);
    await talk(first, "hello\n", "ready");
    expect(await talk(await client(addr), "hello\n", "\n")).toBe("no place\n");
    expect(await talk(first, "still;", "still;")).toBe("still;");
    const dawdling = await client(addr);
    await new Promise((resolve) => setTimeout(resolve, 50));
    registry.end(() => true, new VaultProxyError("vault_locked", "locked"));
    await once(dawdling, "end");
    await until(() => registry.list().length === 0);
    expect((await client(addr)).destroyed).toBe(true);
  });
});

describe("a password for a session", () => {
  test.each([
    ["asked for", {}, { requirePassword: true }],
    ["that the service wants", { require_password: true }, { requirePassword: false }],
  ])("%s must be given by the client", async (_name, settings, request) => {
    const { open } = world(settings);
    const { addr, url, login } = await open({ maxConnections: 5, ...request });
    const password = login?.password.reveal() ?? "";
    expect(password).toMatch(/^[\w-]{32}$/);
    expect(url).toBe(`line://vault:${password}@${addr}`);
    expect(await talk(await client(addr), "hello\n", "\n")).toBe("wrong password\n");
    expect(await talk(await client(addr), `hello vault ${password}x\n`, "\n")).toBe("wrong password\n");
    expect(server.heard()).toBe("");
    expect(await talk(await client(addr), `hello vault ${password}\n`, "\n")).toBe("ready\n");
  });

  test("that is wrong uses up nothing, and the right one is taken once", async () => {
    const { open, registry, outcomes } = world({ require_password: true });
    const { addr, login } = await open();
    const hello = `hello vault ${login?.password.reveal() ?? ""}\n`;
    expect(await talk(await client(addr), "hello vault wrong\n", "\n")).toBe("wrong password\n");
    await until(() => outcomes.length === 1);
    const dawdling = await client(addr);
    const first = await client(addr);
    expect(await talk(first, hello, "\n")).toBe("ready\n");
    // Whoever had not shown the password yet is sent away.
    if (!dawdling.readableEnded) await once(dawdling.resume(), "end");
    expect((await client(addr)).destroyed).toBe(true);
    expect(await talk(first, "still;", "still;")).toBe("still;");
    expect(registry.list()).toMatchObject([{ connections: 1 }]);
  });

  test("is waited for no longer than a session waits for its client", async () => {
    const { open, ended } = world({ require_password: true });
    const { addr } = await open({ timeoutMs: 200 });
    await talk(await client(addr), "hello vault wrong\n", "\n");
    const dawdling = await client(addr);
    await once(dawdling.resume(), "end");
    await until(() => ended.length === 1);
  });

  test("is not waited for from more clients than a session deals with at a time", async () => {
    const { open } = world({ require_password: true });
    const { addr } = await open();
    const clients = await Promise.all(Array.from({ length: 64 }, () => client(addr)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await isRefused(addr)).toBe(true);
    clients[0]?.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const one = await client(addr);
    expect(await talk(one, "hello vault wrong\n", "\n")).toBe("wrong password\n");
  });

  test("lets no more clients in than there are places at a time", async () => {
    const { open } = world({ require_password: true });
    const { addr, login } = await open({ maxConnections: 2 });
    const hello = `hello vault ${login?.password.reveal() ?? ""}\n`;
    const [one, two, three] = await Promise.all([client(addr), client(addr), client(addr)]);
    expect(await talk(one, hello, "\n")).toBe("ready\n");
    expect(await talk(two, hello, "\n")).toBe("ready\n");
    expect(await talk(three, hello, "\n")).not.toContain("ready");
    two.end();
    await until(() => server.sockets.size === 1);
    expect(await talk(await client(addr), hello, "\n")).toBe("ready\n");
  });

  test("is there whether asked for or not where others than this machine's processes may connect", async () => {
    const { open } = world({}, { address: { host: "0.0.0.0", ports: undefined } });
    const { addr, login } = await open();
    expect(login).toBeDefined();
    expect(addr).toMatch(/^127\.0\.0\.1:/);
    expect(await talk(await client(addr), "hello\n", "\n")).toBe("wrong password\n");
  });

  test("is another one for every session", async () => {
    const { open } = world({ require_password: true });
    const logins = await Promise.all([open(), open()]);
    expect(new Set(logins.map(({ login }) => login?.password.reveal())).size).toBe(2);
  });
});

describe("what can be opened", () => {
  test.each([
    ["an unknown service", { service: "nope" }, "not_found", "no such service"],
    [
      "a service of another type",
      { protocol: "imap" as const },
      "invalid_request",
      "service db is of type redis, not imap",
    ],
    [
      "one client for longer than it may take",
      { timeoutMs: 300_001 },
      "invalid_request",
      "timeout: at most 300 seconds with max_connections 1",
    ],
    [
      "several for longer than a day",
      { timeoutMs: 86_400_001, maxConnections: 2 },
      "invalid_request",
      "timeout: at most 86400 seconds with max_connections 2",
    ],
  ])("not %s", async (_name, request, code, message) => {
    const { open, registry } = world();
    await expect(open(request)).rejects.toMatchObject({ code, message });
    expect(registry.list()).toEqual([]);
  });

  test("not more connections than the service allows, which are also the default", async () => {
    const { open, registry } = world({ max_connections: 2 });
    await expect(open({ maxConnections: 3 })).rejects.toMatchObject({
      code: "invalid_request",
      message: "max_connections: at most 2 for this service",
    });
    await open();
    expect(registry.list()).toMatchObject([{ maxConnections: 2 }]);
  });

  test("not more sessions than one token may have", async () => {
    const { open, registry } = world();
    await Promise.all(Array.from({ length: 1024 }, () => open()));
    await expect(open()).rejects.toMatchObject({ code: "rate_limited" });
    await open({ token: { ...TOKEN, digest: "d2" } });
    expect(registry.list()).toHaveLength(1025);
    registry.end(({ token }) => token.digest === "d1", new VaultProxyError("unauthorized", "revoked"));
    expect(registry.list()).toHaveLength(1);
    await open();
  });

  test("nothing lasts longer than the token that asks for it", async () => {
    const { open } = world();
    const soon = new Date(Date.now() + 5000).toISOString();
    const { expiresAt } = await open({ token: { ...TOKEN, expires_at: soon } });
    expect(expiresAt).toBe(Date.parse(soon));
  });

  test("the shorter idle time-out of request and service counts", async () => {
    const { open } = world({ idle_timeout: "100ms" });
    const { addr } = await open({ idleTimeoutMs: 60_000 });
    const socket = await client(addr);
    await talk(socket, "hello\n", "ready");
    await once(socket, "end");
  });

  test("on the ports that are given, until all are taken", async () => {
    const free = await world().open();
    const port = Number(free.addr.split(":")[1]);
    const { open, registry } = world(
      {},
      { address: { host: "127.0.0.1", ports: { first: port, last: port } } },
    );
    await expect(open()).rejects.toMatchObject({ code: "unavailable" });
    expect(registry.list()).toEqual([]);
  });
});

describe("a change of the service", () => {
  test("ends its sessions when it is deleted", async () => {
    const { open, registry, services, ended } = world();
    const { addr } = await open();
    const socket = await client(addr);
    await talk(socket, "hello\n", "ready");
    services.delete("db");
    registry.refresh(services);
    await once(socket, "end");
    socket.end();
    await until(() => ended.length === 1);
  });

  test("lets no more clients in with the old credential, and lets those go on that are there", async () => {
    const { open, registry, services, ended } = world();
    const { addr } = await open({ maxConnections: 5 });
    const socket = await client(addr);
    await talk(socket, "hello\n", "ready");
    services.set("db", service({}));
    registry.refresh(services);
    expect((await client(addr)).destroyed).toBe(true);
    expect(await talk(socket, "still;", "still;")).toBe("still;");
    socket.end();
    await until(() => ended.length === 1);
    expect(registry.list()).toEqual([]);
  });

  test("lets all go on that are there, also when one of them goes", async () => {
    const { open, registry, services, ended } = world();
    const { addr } = await open({ maxConnections: 5 });
    const [one, two] = [await client(addr), await client(addr)];
    for (const socket of [one, two]) await talk(socket, "hello\n", "ready");
    services.set("db", service({}));
    registry.refresh(services);
    one.end();
    await once(one, "close");
    await until(() => server.sockets.size === 1);
    expect(await talk(two, "still;", "still;")).toBe("still;");
    two.end();
    await until(() => ended.length === 1);
  });

  test("a waiting session of a service that changed is gone", async () => {
    const { open, registry, services } = world();
    const { addr } = await open();
    services.set("db", service({}));
    registry.refresh(services);
    expect(registry.list()).toEqual([]);
    expect((await client(addr)).destroyed).toBe(true);
  });
});

test("a thousand sessions opened and dropped leave nothing behind", async () => {
  const { open, registry, ended } = world();
  const resources = (): number =>
    process.getActiveResourcesInfo().filter((name) => /^(TCP|Timeout)/.test(name)).length;
  const before = resources();
  for (let round = 0; round < 10; round += 1) {
    const opened = await Promise.all(Array.from({ length: 100 }, () => open()));
    await Promise.all(
      opened.map(async ({ addr }, index) => {
        if (index % 2 === 0) return;
        const socket = await client(addr);
        if (index % 4 === 1) await talk(socket, "hello\n", "ready");
        socket.destroy();
      }),
    );
    registry.end(() => true, new VaultProxyError("vault_locked", "locked"));
  }
  await until(() => ended.length === 1000 && server.sockets.size === 0);
  clients.length = 0;
  await until(() => resources() <= before);
});

describe("a token's policy", () => {
  test("is asked before anything is told of the service", async () => {
    const refusal = new VaultProxyError("policy_denied", "no rule");
    const { open } = world(
      {},
      {
        authorize: () => {
          throw refusal;
        },
      },
    );
    await expect(open({ protocol: "postgres" })).rejects.toBe(refusal);
    let released = 0;
    const allowed = world(
      {},
      { authorize: () => ({ ...UNRESTRICTED, release: () => void (released += 1) }) },
    );
    await expect(allowed.open({ protocol: "postgres" })).rejects.toMatchObject({ code: "invalid_request" });
    expect(released).toBe(1);
  });

  test("is recorded by the rule that allowed a session", async () => {
    const recorded: unknown[] = [];
    const record = (...entry: unknown[]): void => void recorded.push(entry);
    const { open } = world(
      {},
      {
        authorize: () => ({ ...UNRESTRICTED, rule: "reader/2" }),
        audit: { ready: () => undefined, record },
      },
    );
    await open();
    expect(recorded).toMatchObject([["session.open", { decision: "allow", rule: "reader/2" }, {}]]);
  });
});

describe("while a session waits for room in the audit log", () => {
  const revoked = new VaultProxyError("unauthorized", "this token was revoked");
  /** What is asked for when there is no room, the change that comes then, and what is recorded of it. */
  async function openLate(
    change: (made: World, withdraw: () => void) => void,
  ): Promise<{ readonly made: World; readonly codes: (string | undefined)[]; readonly opened: unknown }> {
    let makeRoom = (): void => undefined;
    const room = new Promise<void>((resolve) => (makeRoom = resolve));
    const codes: (string | undefined)[] = [];
    let isWithdrawn = false;
    let released = 0;
    const made = world(
      {},
      {
        audit: { ready: () => room, record: (_action, { code }) => codes.push(code) },
        authorize: () => ({
          ...UNRESTRICTED,
          onWithdrawn: (end) => {
            if (isWithdrawn) end(revoked);
          },
          release: () => (released += 1),
        }),
      },
    );
    const opening = made.open().catch((error: unknown) => error);
    change(made, () => (isWithdrawn = true));
    makeRoom();
    const opened = await opening;
    if (opened instanceof Error) expect(released).toBeGreaterThan(0);
    expect(server.sockets.size).toBe(0);
    return { made, codes, opened };
  }

  test("it is opened when there is room", async () => {
    const { made, opened } = await openLate(() => undefined);
    expect(made.registry.list()).toHaveLength(1);
    expect(opened).toMatchObject({ id: made.registry.list()[0]?.id });
  });

  test("it is not opened for a token that is revoked, and says so", async () => {
    const { made, codes, opened } = await openLate(({ registry }) => {
      registry.end(({ token }) => token.digest === "other", new VaultProxyError("vault_locked", "x"));
      registry.end(({ token }) => token.digest === TOKEN.digest, revoked);
    });
    expect(opened).toMatchObject({ code: "unauthorized" });
    expect([codes, made.registry.list()]).toEqual([["unauthorized"], []]);
  });

  test("it is not opened to a service that is changed", async () => {
    const { made, opened } = await openLate(({ services }) => services.set("db", service({})));
    expect(opened).toMatchObject({ code: "conflict" });
    expect(made.registry.list()).toEqual([]);
  });

  test("it is not opened, nor stays in the list, when its policy allows it no more", async () => {
    const { made, opened } = await openLate((_made, withdraw) => withdraw());
    expect(opened).toBeInstanceOf(VaultProxyError);
    expect(made.registry.list()).toEqual([]);
  });
});
