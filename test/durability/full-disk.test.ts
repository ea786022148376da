import { existsSync } from "node:fs";
import { open, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startRefused, startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { startUpstream, type Upstream } from "../live/tls-upstream.js";
import { addService, call, makeToken, unlock, type Answered } from "../live/vault-calls.js";
import { Mounts, type Mount } from "./mounts.js";
import { requireSurroundings } from "./surroundings.js";
import { byForm } from "./torture.js";

/** Makes the vault file some forty pages long, so that a save can run out of room in as many places. */
const STORED_FILE_BYTES = 150_000;
/** Free pages to try: from none to more than a vault file takes, whatever is stored meanwhile. */
const FREE_PAGES = Array.from({ length: byForm(50, 100) }, (_, pages) => pages);
const FILL_TURNS = 20;
const DISK = "2M";
const NO_ROOM = { error: "no room left on the vault's disk: nothing was changed", code: "storage_full" };

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let mounts: Mounts;
let upstream: Upstream;
let server: RunningServer | undefined;

beforeEach(async () => {
  directory = await temporaryDirectory();
  mounts = new Mounts(directory.path);
  upstream = await startUpstream(undefined);
  requireSurroundings(["root", "mount"]);
});
afterEach(async () => {
  await server?.stop("SIGKILL");
  server = undefined;
  await upstream.close();
  await mounts.unmountAll();
  await directory.remove();
});

interface Session {
  readonly server: RunningServer;
  readonly admin: string;
  readonly token: string;
}

/** A vault with a service, a large file and a token, in a file system of its own. */
async function startOn(mount: Mount): Promise<Session> {
  server = await startServer({ dataDir: mount.path });
  const admin = await unlock(server);
  await addService(server, admin, serviceOf("api"));
  expect((await upload(server, admin, "large", "x".repeat(STORED_FILE_BYTES))).status).toBe(201);
  return { server, admin, token: await makeToken(server, admin, { name: "agent" }) };
}

const serviceOf = (name: string): object => ({
  name,
  base_url: upstream.origin,
  auth: { type: "bearer", token: "secret" },
  allow_private: true,
});

function upload(running: RunningServer, admin: string, name: string, content: string): Promise<Answered> {
  const boundary = "boundary";
  const body =
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n` +
    `${content}\r\n--${boundary}--\r\n`;
  return call(running.address, "POST", "/files", {
    token: admin,
    headers: { "Content-Type": `multipart/form-data; boundary=${boundary}` },
    body,
  });
}

/** The changes that a full disk stops, by kind; each makes one record of the name. */
const CHANGES: Readonly<Record<string, (session: Session, name: string) => Promise<Answered>>> = {
  service: ({ server: { address }, admin }, name) =>
    call(address, "POST", "/services", { token: admin, body: JSON.stringify(serviceOf(name)) }),
  file: ({ server: running, admin }, name) => upload(running, admin, name, "y".repeat(100)),
  token: ({ server: { address }, admin }, name) =>
    call(address, "POST", "/tokens", { token: admin, body: JSON.stringify({ scope: "proxy", name }) }),
  replacement: ({ server: { address }, admin }, name) =>
    call(address, "PUT", "/services/api", {
      token: admin,
      body: JSON.stringify({
        base_url: `${upstream.origin}/${name}`,
        auth: { type: "bearer" },
        allow_private: true,
      }),
    }),
  deletion: ({ server: { address }, admin }) => call(address, "DELETE", "/files/large", { token: admin }),
};

/** All that the control plane shows, without the admin's own tokens and when each was last used. */
async function stateOf({ server: { address }, admin }: Session): Promise<unknown> {
  const [services, files, tokens] = await Promise.all(
    ["/services", "/files", "/tokens"].map(
      async (path) => (await call(address, "GET", path, { token: admin })).json,
    ),
  );
  const shown = (tokens as { name?: string; last_used_at?: string }[])
    .filter(({ name }) => name !== undefined)
    .map(({ last_used_at: _used, ...rest }) => rest);
  return { services, files, tokens: shown };
}

async function expectProxying({ server: { address }, token }: Session): Promise<void> {
  expect((await call(address, "GET", "/proxy/api/x", { token })).status).toBe(200);
}

/** Leaves so many pages free. The audit log is written a moment after an answer: what that takes is counted anew. */
async function fill(mount: Mount, pages: number): Promise<void> {
  const filler = join(mount.path, "filler");
  const free = async (): Promise<number> => (await statfs(mount.path)).bavail;
  for (let turn = 0; turn < FILL_TURNS; turn += 1) {
    await rm(filler, { force: true });
    const { bavail, bsize } = await statfs(mount.path);
    const handle = await open(filler, "w");
    try {
      await handle.appendFile(Buffer.alloc(Math.max(0, bavail - pages) * bsize));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      await handle.close();
    }
    if ((await free()) === pages) return;
  }
  expect(await free()).toBe(pages);
}

const roomAgain = (mount: Mount): Promise<void> => rm(join(mount.path, "filler"), { force: true });

test(
  "a change that finds no room is refused with 507 and changes nothing, wherever the room runs out",
  { timeout: 240_000 },
  async () => {
    const mount = await mounts.newTmpfs(DISK);
    const session = await startOn(mount);
    const counts = { refused: 0, saved: 0 };
    const kinds = Object.keys(CHANGES).filter((kind) => kind !== "deletion");
    for (const pages of FREE_PAGES) {
      for (const kind of kinds) {
        const before = await stateOf(session);
        await fill(mount, pages);
        const answer = await CHANGES[kind]?.(session, `${kind}-${pages}`);
        const after = await stateOf(session);
        expect(existsSync(join(mount.path, "vault.enc.tmp"))).toBe(false);
        if (answer?.status === 507) {
          expect(answer.json, `${kind} with ${pages} pages`).toMatchObject(NO_ROOM);
          expect(after).toEqual(before);
          counts.refused += 1;
        } else {
          expect([200, 201], `${kind} with ${pages} pages: ${answer?.text}`).toContain(answer?.status);
          expect(after).not.toEqual(before);
          counts.saved += 1;
        }
        if (pages === 0) expect(answer?.status).toBe(507);
        if (pages === FREE_PAGES.at(-1)) expect(answer?.status).not.toBe(507);
      }
      await expectProxying(session);
    }
    console.log(
      `full disk: ${FREE_PAGES.length} sizes, ${counts.refused} changes refused with 507, ${counts.saved} saved`,
    );
    const last = await stateOf(session);
    await roomAgain(mount);
    expect(await session.server.stop()).toBe(0);
    server = await startServer({ dataDir: mount.path });
    expect(await stateOf({ ...session, server, admin: await unlock(server) })).toEqual(last);
  },
);

test("on a full disk the vault reads, locks, unlocks and proxies, and saves again after room is made", async () => {
  const mount = await mounts.newTmpfs(DISK);
  const session = await startOn(mount);
  const before = await stateOf(session);
  await fill(mount, 0);
  for (const [kind, change] of Object.entries(CHANGES)) {
    expect(await change(session, "new"), kind).toMatchObject({ status: 507, json: NO_ROOM });
  }
  expect(await stateOf(session)).toEqual(before);
  await expectProxying(session);
  expect(
    (await call(session.server.address, "POST", "/auth/lock", { token: session.admin, body: "{}" })).status,
  ).toBe(200);
  const again = { ...session, admin: await unlock(session.server) };
  expect(await stateOf(again)).toEqual(before);
  await expectProxying(again);

  // Killed on the full disk, it cannot even write its lock: it says so, and harms nothing.
  await session.server.stop("SIGKILL");
  await fill(mount, 0);
  const refused = await startRefused(["--data-dir", mount.path, "--listen", "127.0.0.1:0"]);
  expect(refused.code).toBe(1);
  expect(refused.output).toContain("no room left for the lock file in the data directory");

  await roomAgain(mount);
  server = await startServer({ dataDir: mount.path });
  const restarted = { ...session, server, admin: await unlock(server) };
  expect(await stateOf(restarted)).toEqual(before);
  for (const [kind, change] of Object.entries(CHANGES)) {
    expect((await change(restarted, "new")).status, kind).toBeLessThan(300);
  }
  const last = await stateOf(restarted);
  await expectProxying(restarted);
  await server.stop("SIGKILL");
  server = await startServer({ dataDir: mount.path });
  expect(await stateOf({ ...session, server, admin: await unlock(server) })).toEqual(last);
});

test("a disk without a free inode is a full disk", async () => {
  const mount = await mounts.newTmpfs(DISK, 12);
  const session = await startOn(mount);
  const outcomes: string[] = [];
  for (const free of [0, 1, 2, 3]) {
    const before = await stateOf(session);
    const fillers: string[] = [];
    for (let { ffree } = await statfs(mount.path); ffree > free; { ffree } = await statfs(mount.path)) {
      const filler = join(mount.path, `inode-${fillers.length}`);
      await writeFile(filler, "");
      fillers.push(filler);
    }
    const answer = await CHANGES.service?.(session, `with-${free}`);
    outcomes.push(`${free} free: ${answer?.status}`);
    if (answer?.status === 507) {
      expect(answer.json).toMatchObject(NO_ROOM);
      expect(await stateOf(session)).toEqual(before);
    } else expect(answer?.status).toBe(201);
    await expectProxying(session);
    for (const filler of fillers) await rm(filler);
  }
  console.log(`inodes: ${outcomes.join(", ")}`);
  expect(outcomes[0]).toContain("507");
  expect(outcomes[3]).toContain("201");
  const last = await stateOf(session);
  await session.server.stop("SIGKILL");
  server = await startServer({ dataDir: mount.path });
  expect(await stateOf({ ...session, server, admin: await unlock(server) })).toEqual(last);
});
