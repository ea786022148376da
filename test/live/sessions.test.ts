import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  POSTGRES_DATABASE,
  POSTGRES_USERS,
  startPostgres,
  type RunningPostgres,
} from "../real-servers/postgresql.js";
import { REDIS_USERS, startRedis, type RunningRedis } from "../real-servers/redis.js";
import {
  cleanEnvironment,
  cli,
  startRefused,
  startServer,
  temporaryDirectory,
  type RunningServer,
} from "./processes.js";
import { eventually, wait } from "./raw-sockets.js";
import { NOBODY } from "./server-as-user.js";
import { addService, call, makeToken, unlock } from "./vault-calls.js";

interface Opened {
  readonly id: string;
  readonly addr: string;
  readonly url: string;
  readonly expires_at: string;
  readonly password?: string;
}

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
let postgres: RunningPostgres;
let redis: RunningRedis;
let admin: string;
let token: string;
const sockets: Socket[] = [];

beforeAll(async () => {
  directory = await temporaryDirectory();
  [postgres, redis, server] = await Promise.all([
    startPostgres(),
    startRedis(),
    startServer({ dataDir: directory.path, flags: ["--log-level", "debug"] }),
  ]);
  admin = await unlock(server);
  token = await makeToken(server, admin);
  await addRedis("cache");
  await addService(server, admin, {
    ...{ name: "orders", allow_private: true, tls_ca: postgres.ca() },
    auth: {
      ...{ type: "postgres", postgres_host: "127.0.0.1", postgres_port: postgres.port },
      ...{ postgres_user: "scram_user", postgres_password: POSTGRES_USERS.scram_user.password },
      postgres_db: POSTGRES_DATABASE,
    },
  });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  await server.stop();
  await Promise.all([postgres.stop(), redis.stop()]);
  await directory.remove();
});

function addRedis(name: string, settings: object = {}): Promise<void> {
  return addService(server, admin, {
    ...{ name, allow_private: true, ...settings },
    auth: {
      ...{ type: "redis", redis_host: "127.0.0.1", redis_port: redis.port },
      ...{ redis_username: "app_user", redis_password: REDIS_USERS.app_user.password },
    },
  });
}

async function open(
  service = "cache",
  body: object = {},
  options: { query?: string; token?: string } = {},
): Promise<Opened> {
  const protocol = service === "orders" ? "postgres" : "redis";
  const answer = await call(server.address, "POST", `/${protocol}/${service}/session${options.query ?? ""}`, {
    token: options.token ?? token,
    body: JSON.stringify(body),
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.json as Opened;
}

async function redisClient({ addr }: Opened): Promise<Socket> {
  const [host, port] = addr.split(":");
  const socket = connect({ host: host ?? "", port: Number(port) }).on("error", () => undefined);
  sockets.push(socket);
  await once(socket, "connect");
  expect(await ask(socket, "PING")).toBe("+PONG\r\n");
  return socket;
}

async function ask(socket: Socket, command: string): Promise<string> {
  socket.write(`${command}\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  return answer.toString();
}

async function isClosed({ addr }: Opened): Promise<boolean> {
  const [host, port] = addr.split(":");
  const socket = connect({ host: host ?? "", port: Number(port) }).on("error", () => undefined);
  sockets.push(socket);
  // It may be told why.
  await new Promise((resolve) => socket.resume().once("close", resolve));
  return true;
}

/** Whether somebody listens there, as the system says it. */
function isListening({ addr }: Opened): boolean {
  const port = Number(addr.split(":")[1]).toString(16).toUpperCase().padStart(4, "0");
  return new RegExp(`^ *\\d+: \\w{8}:${port} \\w+:\\w+ 0A `, "m").test(readFileSync("/proc/net/tcp", "utf8"));
}

const runCli = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  cli(args, { env: { VAULT_ADDR: server.address, VAULT_TOKEN: token, ...env } });

/** Sockets that the server process has. */
function socketCount(): number {
  return readdirSync(`/proc/${server.pid}/fd`).length;
}

describe("whoever opened a session", () => {
  test.each([
    ["the vault is locked", () => call(server.address, "POST", "/auth/lock", { token: admin, body: "{}" })],
    ["the service is deleted", () => call(server.address, "DELETE", "/services/doomed", { token: admin })],
    [
      "the token is revoked",
      (own: string) => call(server.address, "DELETE", `/tokens/${own}`, { token: admin }),
    ],
  ])("loses all of it within a second when %s", async (_name, end) => {
    await addRedis("doomed");
    const own = await makeToken(server, admin);
    const waiting = await open("doomed", {}, { token: own });
    const several = await open("doomed", { max_connections: 5 }, { token: own });
    const clients = [await redisClient(several), await redisClient(several)];
    const connected = Number(/connected_clients:(\d+)/.exec(await redis.command("INFO", "clients"))?.[1]);
    const closed = Promise.all(clients.map((client) => once(client, "close")));
    const begin = Date.now();
    expect((await end(own)).status).toBe(200);
    await closed;
    expect(Date.now() - begin).toBeLessThan(1000);
    expect(await isClosed(waiting)).toBe(true);
    expect(await isClosed(several)).toBe(true);
    const left = async (): Promise<number> =>
      Number(/connected_clients:(\d+)/.exec(await redis.command("INFO", "clients"))?.[1]);
    expect(await left()).toBe(connected - 2);
    const again = await unlock(server);
    expect((await call(server.address, "GET", "/sessions", { token: again })).json).toEqual([]);
    admin = again;
  });
});

test("a program of another user of the machine is refused, and uses nothing up", async () => {
  const session = await open();
  const [host = "", port = ""] = session.addr.split(":");
  const program = `const s=require("net").connect(${port},"${host}");s.write("PING\\r\\n");let t="";s.on("data",d=>t+=d);s.on("close",()=>process.stdout.write("["+t+"]"));s.on("error",()=>{})`;
  const child = spawn(process.execPath, ["-e", program], {
    ...{ uid: NOBODY, gid: NOBODY, cwd: "/", env: cleanEnvironment() },
    stdio: ["ignore", "pipe", "ignore"],
  });
  expect(await text(child.stdout)).toBe("[]");
  expect(await ask(await redisClient(session), "PING")).toBe("+PONG\r\n");
});

test("one client is taken where one is allowed, fifty where fifty are", async () => {
  const one = await open();
  const first = await redisClient(one);
  expect(await isClosed(one)).toBe(true);
  expect(await ask(first, "PING")).toBe("+PONG\r\n");

  const fifty = await open("cache", { max_connections: 50 }, { query: "?timeout=600" });
  const clients = await Promise.all(Array.from({ length: 50 }, () => redisClient(fifty)));
  expect(await isClosed(fifty)).toBe(true);
  const names = await Promise.all(clients.map((client) => ask(client, "ECHO own")));
  expect(new Set(names)).toEqual(new Set(["$3\r\nown\r\n"]));
});

test("the listener is gone when nobody came in the time that was promised", async () => {
  const before = Date.now();
  const session = await open("cache", {}, { query: "?timeout=1" });
  const after = Date.now();
  const expires = Date.parse(session.expires_at);
  expect(expires).toBeGreaterThanOrEqual(before + 1000);
  expect(expires).toBeLessThanOrEqual(after + 1000);
  // Not by a client that comes: it would be taken, and end the listening itself. A busy machine's timers are late.
  await eventually(() => !isListening(session));
  expect(Date.now()).toBeGreaterThanOrEqual(expires - 10);
});

test("a thousand sessions opened and dropped leave no socket behind", async () => {
  const before = socketCount();
  const own = await makeToken(server, admin);
  for (let round = 0; round < 10; round += 1) {
    const opened = await Promise.all(Array.from({ length: 100 }, () => open("cache", {}, { token: own })));
    await Promise.all(
      opened.slice(0, 20).map(async (session) => {
        (await redisClient(session)).destroy();
      }),
    );
    await Promise.all(
      opened.slice(20).map(({ id }) => call(server.address, "DELETE", `/sessions/${id}`, { token: own })),
    );
  }
  await eventually(() => socketCount() <= before + 2);
  expect((await call(server.address, "GET", "/sessions", { token: own })).json).toEqual([]);
});

test("a connection that the server breaks off is broken off for the client too, and the log says so", async () => {
  const session = await open();
  const client = await redisClient(session);
  const closed = once(client, "close");
  await redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await closed;
  await eventually(() => server.log().includes(session.id) && server.log().includes("connection ended"));
});

test("a service for sessions takes no HTTP calls, and says what it is for", async () => {
  const answer = await call(server.address, "GET", "/proxy/cache/x", { token });
  expect([answer.status, answer.json]).toEqual([
    400,
    {
      code: "invalid_request",
      error: "this service is of type redis: open a session with POST /redis/{service}/session",
    },
  ]);
});

test("no credential is in the log, in an answer or in the process list", async () => {
  const secrets = [REDIS_USERS.app_user.password, POSTGRES_USERS.scram_user.password];
  const listed = await call(server.address, "GET", "/services", { token });
  for (const secret of secrets) {
    expect(server.log()).not.toContain(secret);
    expect(listed.text).not.toContain(secret);
  }
});

describe("vault-cli", () => {
  test("prints the address alone, which a client connects to", async () => {
    const { stdout, stderr, code } = await runCli(["redis", "cache"]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^127\.0\.0\.1:\d+\n$/)]);
    expect(stderr).toMatch(/^Good for one client that connects before \d\d:\d\d:\d\d\.\n$/);
    await redisClient({ addr: stdout.trim() } as Opened);
  });

  test("prints a URL that a client connects with, its password included", async () => {
    const { stdout } = await runCli(["postgres", "orders", "--require-password", "--url"]);
    expect(stdout).toMatch(/^postgresql:\/\/vault:[\w-]{32}@127\.0\.0\.1:\d+\/app\?sslmode=disable\n$/);
    const child = spawn("psql", [stdout.trim(), "-Atc", "select current_user"], { env: cleanEnvironment() });
    expect(await text(child.stdout)).toBe("scram_user\n");
  });

  test("prints variables that a shell takes", async () => {
    const script = `eval "$("$0" "$1" postgres orders --env)" && psql -Atc "select current_database()"`;
    const child = spawn("sh", ["-c", script, process.execPath, "packages/cli/dist/main.js"], {
      env: cleanEnvironment({ VAULT_ADDR: server.address, VAULT_TOKEN: token }),
    });
    expect(await text(child.stdout)).toBe("app\n");
  });

  test("runs a command with a session of its own, gives its exit code, and ends the session with it", async () => {
    const sql = "select current_user || ' ' || current_setting('application_name')";
    const result = await runCli(["postgres", "orders", "--exec", "--", "psql", "-Atc", sql]);
    expect([result.code, result.stdout]).toEqual([0, "scram_user psql\n"]);
    const script = `redis-cli -u "$REDIS_URL" --no-auth-warning set k v >&2; redis-cli -u "$REDIS_URL" --no-auth-warning get k; exit 7`;
    const failing = await runCli(["redis", "cache", "--exec", "--", "sh", "-c", script]);
    expect([failing.code, failing.stdout]).toEqual([7, "v\n"]);
    const gone = await runCli(["redis", "cache", "--exec", "--", "no-such-program"]);
    expect([gone.code, gone.stderr]).toEqual([
      127,
      "error: no-such-program: command not found: see that it is on PATH, or give its path\n",
    ]);
    const killed = await runCli(["redis", "cache", "--exec", "--", "sh", "-c", "kill -9 $$"]);
    expect(killed.code).toBe(137);
    const own = (await call(server.address, "GET", "/sessions", { token })).json as {
      service: string;
      max_connections: number;
    }[];
    expect(own.filter(({ max_connections }) => max_connections === 16)).toEqual([]);
  });

  test("lists the open sessions and closes one", async () => {
    const session = await open();
    const listed = await runCli(["session", "list", "--json"]);
    expect(JSON.parse(listed.stdout)).toContainEqual(
      expect.objectContaining({ id: session.id, service: "cache" }),
    );
    const closed = await runCli(["session", "close", session.id]);
    expect([closed.code, closed.stdout]).toEqual([0, "Session closed.\n"]);
    expect((await runCli(["session", "close", session.id])).code).toBe(1);
    expect(await isClosed(session)).toBe(true);
  });

  test.each([
    [["redis"], /missing required argument/],
    [["redis", "cache", "--url", "--env"], /use one of --url, --env and --exec/],
    [["redis", "cache", "--exec"], /--exec needs a command/],
    [["redis", "cache", "--", "ls"], /a command was given without --exec/],
    [["redis", "cache", "--max-connections", "0"], /It takes a number from 1 to 1000/],
    [["redis", "cache", "--timeout", "10"], /is not a duration/],
  ])("%j is a wrong command line", async (args, complaint) => {
    const { code, stderr } = await runCli(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(complaint);
  });
});

test("a stop lets no more clients in, and lets those finish that are there", async () => {
  const other = await temporaryDirectory();
  const stopping = await startServer({ dataDir: other.path });
  try {
    const owner = await unlock(stopping);
    await addService(stopping, owner, {
      ...{ name: "cache", allow_private: true },
      auth: {
        ...{ type: "redis", redis_host: "127.0.0.1", redis_port: redis.port },
        ...{ redis_username: "app_user", redis_password: REDIS_USERS.app_user.password },
      },
    });
    const answer = await call(stopping.address, "POST", "/redis/cache/session", {
      token: owner,
      body: JSON.stringify({ max_connections: 3 }),
    });
    const session = answer.json as Opened;
    const client = await redisClient(session);
    const stopped = stopping.stop();
    await wait(200);
    expect(await isClosed(session)).toBe(true);
    expect(await ask(client, "PING")).toBe("+PONG\r\n");
    client.end();
    expect(await stopped).toBe(0);
  } finally {
    await other.remove();
  }
});

test("an address that is not this machine's is refused at the start", async () => {
  const other = await temporaryDirectory();
  const { code, output } = await startRefused(["--data-dir", other.path, "--session-host", "203.0.113.9"]);
  expect([code, output]).toEqual([1, expect.stringContaining("sessions cannot listen on 203.0.113.9")]);
  await other.remove();
});

test("where others than this machine's processes may connect, a password is asked for, on a port of the range", async () => {
  const other = await temporaryDirectory();
  const wide = await startServer({
    dataDir: other.path,
    flags: ["--session-host", "0.0.0.0", "--session-ports", "39120-39139"],
  });
  try {
    const owner = await unlock(wide);
    await addService(wide, owner, {
      ...{ name: "cache", allow_private: true },
      auth: {
        ...{ type: "redis", redis_host: "127.0.0.1", redis_port: redis.port },
        ...{ redis_username: "app_user", redis_password: REDIS_USERS.app_user.password },
      },
    });
    const answer = await call(wide.address, "POST", "/redis/cache/session", { token: owner });
    const session = answer.json as Opened;
    const port = Number(session.addr.split(":")[1]);
    expect(port >= 39_120 && port <= 39_139).toBe(true);
    expect(session.password).toMatch(/^[\w-]{32}$/);
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    expect(await ask(socket, "PING")).toMatch(/^-NOAUTH/);
    expect(await ask(socket, `AUTH vault ${session.password ?? ""}`)).toBe("+OK\r\n");
    expect(await ask(socket, "PING")).toBe("+PONG\r\n");
  } finally {
    await wide.stop();
    await other.remove();
  }
});
