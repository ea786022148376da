import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { readFile, open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli, PASSWORD, startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { startUpstream, type Upstream } from "../live/tls-upstream.js";
import { addService, call, makeToken, unlock, type Answered } from "../live/vault-calls.js";
import { Mounts, type Mount } from "./mounts.js";
import { requireSurroundings } from "./surroundings.js";

const DISK = "24M";
/** More than the queue of the audit log takes: 8 MB, in lines of over 2 KB. */
const FLOOD = 4400;
const AT_ONCE = 40;
const LONG_PATH = `/${"x".repeat(2000)}`;
/** 500 characters of four bytes, which a header gives as Latin-1. */
const LONG_JUSTIFICATION = Buffer.from("\u{1F511}".repeat(500)).toString("latin1");
const REFUSED = { status: 503, json: { code: "audit_unavailable" } };

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let mounts: Mounts;
let mount: Mount;
let upstream: Upstream;
let farEnd: Server;
let server: RunningServer;
let admin: string;
let token: string;
let farConnections = 0;

beforeAll(async () => {
  requireSurroundings(["root", "mount"]);
  directory = await temporaryDirectory();
  mounts = new Mounts(directory.path);
  mount = await mounts.newTmpfs(DISK);
  upstream = await startUpstream(undefined);
  farEnd = createServer((socket) => {
    farConnections += 1;
    socket.destroy();
  }).listen(0, "127.0.0.1");
  await once(farEnd, "listening");
  server = await startServer({ dataDir: mount.path });
  admin = await unlock(server);
  token = await makeToken(server, admin, { name: "agent" });
  const { port } = farEnd.address() as { port: number };
  const common = { allow_private: true };
  await addService(server, admin, {
    ...{ ...common, name: "api", base_url: upstream.origin },
    auth: { type: "bearer", token: "secret-of-the-api" },
  });
  await addService(server, admin, {
    ...{ ...common, name: "box" },
    auth: {
      ...{ type: "ssh_key", ssh_host: "127.0.0.1", ssh_port: port, ssh_user: "u" },
      ssh_password: "secret-of-the-box",
    },
  });
  await addService(server, admin, {
    ...{ ...common, name: "cache" },
    auth: { type: "redis", redis_host: "127.0.0.1", redis_port: port, redis_password: "secret-of-redis" },
  });
});
afterAll(async () => {
  await server.stop("SIGKILL");
  await upstream.close();
  farEnd.close();
  await mounts.unmountAll();
  await directory.remove();
});

async function fillDisk(): Promise<void> {
  const { bavail, bsize } = await statfs(mount.path);
  const handle = await open(join(mount.path, "filler"), "w");
  try {
    await handle.appendFile(Buffer.alloc(bavail * bsize));
  } finally {
    await handle.close();
  }
}
const roomAgain = (): Promise<void> => rm(join(mount.path, "filler"));

const proxied = (path: string): Promise<Answered> =>
  call(server.address, "GET", `/proxy/api${path}`, { token });

/** Everything that must not be done unrecorded, by name. */
const ACTIONS: Readonly<Record<string, () => Promise<Answered>>> = {
  "a call": () => proxied("/during"),
  "a session": () => call(server.address, "POST", "/redis/cache/session", { token, body: "{}" }),
  "a command": () =>
    call(server.address, "POST", "/ssh/box/exec", { token, body: JSON.stringify({ command: "true" }) }),
  "a new token": () => call(server.address, "POST", "/tokens", { token: admin, body: '{"name":"during"}' }),
  "a changed service": () =>
    call(server.address, "PUT", "/services/api", {
      token: admin,
      body: JSON.stringify({ base_url: upstream.origin, auth: { type: "bearer" }, description: "during" }),
    }),
};

/** Requests that are refused are recorded too, and wait for nothing. */
async function fillQueue(): Promise<void> {
  const headers = { Authorization: `Bearer ${token}`, "X-Vault-Justification": LONG_JUSTIFICATION };
  const sendSome = async (): Promise<void> => {
    for (let sent = 0; sent < FLOOD / AT_ONCE; sent += 1) {
      const answer = await fetch(`${server.address}${LONG_PATH}`, { headers });
      await answer.arrayBuffer();
      expect(answer.status).toBe(404);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendSome));
}

interface Line {
  readonly seq: number;
  readonly action: string;
  readonly status?: number;
  readonly path?: string;
  readonly decision: string;
  readonly code?: string;
}

test("while the disk takes no line calls wait, then get 503, and reach nobody; with room all goes on", async () => {
  expect((await proxied("/before")).status).toBe(200);
  await fillDisk();
  await fillQueue();

  const began = performance.now();
  const names = Object.keys(ACTIONS);
  const refusing = Promise.all(names.map(async (name) => [name, await ACTIONS[name]?.()] as const));
  const health = await call(server.address, "GET", "/health");
  expect(health).toMatchObject({ status: 200, json: { status: "unlocked" } });
  expect(performance.now() - began).toBeLessThan(2000);
  for (const [name, answer] of await refusing) {
    expect(answer, name).toMatchObject(REFUSED);
    expect(answer?.headers, name).toMatchObject({ "retry-after": "5", "x-vault-error": "audit_unavailable" });
  }
  expect(performance.now() - began).toBeGreaterThan(4500);
  expect(upstream.requests.map(({ target }) => target)).toEqual(["/before"]);
  expect(farConnections).toBe(0);

  const waiting = proxied("/waited");
  await delay(500);
  expect(upstream.requests).toHaveLength(1);
  await roomAgain();
  expect((await waiting).status).toBe(200);
  expect((await proxied("/after")).status).toBe(200);
  expect((await ACTIONS["a new token"]?.())?.status).toBe(201);
  expect((await ACTIONS["a session"]?.())?.status).toBe(200);
  await ACTIONS["a command"]?.();
  expect(farConnections).toBeGreaterThan(0);

  expect(await server.stop()).toBe(0);
  const verified = await cli(["audit", "verify", mount.path, "--with-password", "--json"], {
    env: { HOME: directory.path, VAULT_DATA_DIR: mount.path },
    stdin: `${PASSWORD}\n`,
  });
  expect(verified, verified.stdout).toMatchObject({ code: 0 });
  const text = await readFile(join(mount.path, "audit.jsonl"), "utf8");
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1));
  const passed = lines.filter(({ action, decision }) => action === "proxy" && decision === "allow");
  expect(passed.map(({ path }) => path)).toEqual(upstream.requests.map(({ target }) => target));
  // What found no room waited for it, and was counted as lost nowhere.
  expect(lines.filter(({ action }) => action === "audit.torn" || action === "audit.lost")).toEqual([]);
  expect(lines.filter(({ status }) => status === 404)).toHaveLength(FLOOD);
}, 120_000);
