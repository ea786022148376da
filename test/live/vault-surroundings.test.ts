import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { requireSurroundings } from "../durability/surroundings.js";
import { byForm } from "../durability/torture.js";
import { PASSWORD, startRefused, startServer, temporaryDirectory, type RunningServer } from "./processes.js";
import { NOBODY, runServerAs } from "./server-as-user.js";
import { startStreamingUpstream, type Upstream } from "./tls-upstream.js";
import { addService, call, unlock } from "./vault-calls.js";

const OWN_FILES = ["audit.jsonl", "lockout.json", "vault.enc", "vault.enc.bak", "vault.lock"];

let upstream: Upstream;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dataDir: string;
let vaultFile: string;
const running: RunningServer[] = [];
const mounts: string[] = [];

async function start(env: Record<string, string> = {}): Promise<RunningServer> {
  const server = await startServer({ dataDir, env });
  running.push(server);
  return server;
}

const refused = (): ReturnType<typeof startRefused> =>
  startRefused(["--data-dir", dataDir, "--listen", "127.0.0.1:0"]);

/** A data directory with a vault in it that no server uses. */
async function makeVault(): Promise<void> {
  const server = await start();
  await addService(server, await unlock(server), service("first"));
  await server.stop();
}

const service = (name: string): object => ({
  name,
  base_url: upstream.origin,
  auth: { type: "bearer", token: "secret" },
  allow_private: true,
});

const add = (server: RunningServer, admin: string, name: string) =>
  call(server.address, "POST", "/services", { token: admin, body: JSON.stringify(service(name)) });

async function serviceNames(server: RunningServer, admin: string): Promise<string[]> {
  const { json } = await call(server.address, "GET", "/services", { token: admin });
  return (json as { name: string }[]).map(({ name }) => name).sort();
}

/** The server says what is wrong, in a sentence, and leaves the directory as it was, but for the record of its start. */
async function expectRefusal(says: RegExp, isLeft: readonly string[]): Promise<void> {
  const { code, output } = await refused();
  expect(output).toMatch(says);
  expect(code).toBe(1);
  expect(output).not.toMatch(/ at .*\.js:\d+/);
  const left = readdirSync(dataDir).filter((name) => name !== "audit.jsonl");
  expect(left.sort()).toEqual(isLeft);
}

beforeAll(async () => {
  requireSurroundings(["root", "mount"]);
  upstream = await startStreamingUpstream(undefined, (_request, response) => response.end("ok"));
});

afterAll(() => upstream.close());

beforeEach(async () => {
  directory = await temporaryDirectory();
  // Another user may pass through to what is theirs.
  chmodSync(directory.path, 0o755);
  dataDir = join(directory.path, "data");
  vaultFile = join(dataDir, "vault.enc");
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop("SIGKILL")));
  for (const mounted of mounts.splice(0)) execFileSync("umount", ["-l", mounted]);
  await directory.remove();
});

test("of two servers started at one instant exactly one gets the directory, fresh or left by a killed one", async () => {
  const rounds = byForm(10, 100);
  for (let round = 0; round < rounds; round += 1) {
    // Every other round finds the lock of a server that was killed.
    if (round % 2 === 0) rmSync(dataDir, { recursive: true, force: true });
    const starts = await Promise.allSettled([start(), start()]);
    const winners = starts.filter((outcome) => outcome.status === "fulfilled");
    const losers = starts.filter((outcome) => outcome.status === "rejected");
    expect(winners, `round ${round}`).toHaveLength(1);
    expect(String(losers[0]?.reason)).toMatch(/ended with 1:[^]*another (vault )?server/);
    await unlock(winners[0]!.value);
    await winners[0]!.value.stop("SIGKILL");
    expect(readdirSync(dataDir).filter((name) => name.startsWith("vault.lock"))).toEqual(["vault.lock"]);
  }
}, 120_000);

describe("a data directory that cannot be written", () => {
  test("is refused to a user without the right", async () => {
    mkdirSync(dataDir, { mode: 0o555 });
    chownSync(dataDir, NOBODY, NOBODY);
    const server = await runServerAs(NOBODY, dataDir);
    expect(await server.ended).toBe(1);
    expect(server.output()).toMatch(/the lock file in the data directory/);
    expect(readdirSync(dataDir)).toEqual([]);
  });

  test("is refused to root on a read-only mount; one that turns read-only fails changes, and nothing else", async () => {
    mkdirSync(dataDir);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs", dataDir]);
    mounts.push(dataDir);
    const remount = (mode: "ro" | "rw") => execFileSync("mount", ["-o", `remount,${mode}`, dataDir]);
    // A file that is open for writing, such as the audit log, would keep the mount from being changed.
    const server = await start({ VAULT_AUDIT: "off" });
    const admin = await unlock(server);
    await addService(server, admin, service("first"));
    remount("ro");
    expect(await add(server, admin, "second")).toMatchObject({
      status: 500,
      json: { code: "storage_failed", error: expect.stringContaining("nothing was changed") as string },
    });
    expect(await serviceNames(server, admin)).toEqual(["first"]);
    expect((await call(server.address, "GET", "/proxy/first/x", { token: admin })).text).toBe("ok");
    // The token is not saved, and works until the server stops.
    const unsaved = await unlock(server);
    expect(await serviceNames(server, unsaved)).toEqual(["first"]);
    remount("rw");
    expect((await add(server, admin, "second")).status).toBe(201);
    await server.stop();
    remount("ro");
    await expectRefusal(/the lock file in the data directory/, ["vault.enc", "vault.enc.bak"]);
    remount("rw");
    const again = await start();
    await unlock(again);
    expect(await serviceNames(again, admin)).toEqual(["first", "second"]);
  });
});

describe("a vault file of another user", () => {
  test("is refused to one who may not read it, with what to do", async () => {
    await makeVault();
    chownSync(dataDir, NOBODY, NOBODY);
    const before = readFileSync(vaultFile);
    const server = await runServerAs(NOBODY, dataDir);
    expect(await server.ended).toBe(1);
    expect(server.output()).toMatch(/vault\.enc belongs to another user: run the server as its owner/);
    expect(readFileSync(vaultFile)).toEqual(before);
    expect(readdirSync(dataDir)).not.toContain("vault.lock");
  });

  test("works for root, with a warning", async () => {
    await makeVault();
    for (const path of [dataDir, vaultFile]) chownSync(path, NOBODY, NOBODY);
    const server = await start();
    const admin = await unlock(server);
    expect((await add(server, admin, "second")).status).toBe(201);
    expect(server.log()).toMatch(/the data directory belongs to another user.*uid=65534/);
    expect(server.log()).toMatch(/a vault file belongs to another user.*file=vault\.enc uid=65534/);
  });

  test("is no hindrance to its owner, who is not root", async () => {
    mkdirSync(dataDir, { mode: 0o700 });
    chownSync(dataDir, NOBODY, NOBODY);
    const server = await runServerAs(NOBODY, dataDir);
    try {
      const { status } = await call(server.address ?? "", "POST", "/auth/unlock", {
        body: JSON.stringify({ password: PASSWORD }),
      });
      expect(status, server.output()).toBe(200);
      expect(statSync(vaultFile)).toMatchObject({ uid: NOBODY, mode: 0o100600 });
      expect(server.output()).not.toContain("WARN");
    } finally {
      process.kill(server.pid, "SIGTERM");
      expect(await server.ended).toBe(0);
    }
  });
});

/** What may stand where the vault file should, and what must not be touched through it. */
const IMPOSTORS: readonly [string, (path: string, target: string) => void | Promise<void>][] = [
  ["a symbolic link", (path, target) => symlinkSync(target, path)],
  ["a symbolic link to nothing", (path, target) => symlinkSync(`${target}.none`, path)],
  ["a directory", (path) => mkdirSync(path)],
  ["a named pipe", (path) => void execFileSync("mkfifo", [path])],
  ["a device", (path) => void execFileSync("mknod", [path, "c", "1", "5"])],
  [
    "a socket",
    async (path) => {
      const listening = createServer();
      await new Promise<void>((resolve) => listening.listen(path, resolve));
      // Renamed, so that closing does not remove it.
      renameSync(path, `${path}.bound`);
      await new Promise((resolve) => listening.close(resolve));
      renameSync(`${path}.bound`, path);
    },
  ],
];

describe.each(IMPOSTORS)("%s in place of the vault file", (_what, put) => {
  test("is refused at start and at unlock, and an unlocked vault never writes through it", async () => {
    await makeVault();
    const target = join(directory.path, "target");
    copyFileSync(vaultFile, target);
    chmodSync(target, 0o644);
    const before = readFileSync(target);
    const impostor = join(directory.path, "impostor");
    await put(impostor, target);
    const vault = join(directory.path, "vault");
    const expectUntouched = (): void => {
      expect(readFileSync(target)).toEqual(before);
      expect(statSync(target).mode & 0o777).toBe(0o644);
      expect(existsSync(`${target}.none`)).toBe(false);
    };

    const server = await start();
    renameSync(vaultFile, vault);
    renameSync(impostor, vaultFile);
    const locked = await call(server.address, "POST", "/auth/unlock", {
      body: JSON.stringify({ password: PASSWORD }),
    });
    expect(locked).toMatchObject({
      status: 500,
      json: { code: "storage_failed", error: expect.stringContaining("only a regular file") as string },
    });
    await server.stop();
    await expectRefusal(/vault\.enc is a link or device: only a regular file is accepted/, [
      "vault.enc",
      "vault.enc.bak",
    ]);
    expectUntouched();

    renameSync(vaultFile, impostor);
    renameSync(vault, vaultFile);
    const unlocked = await start();
    const admin = await unlock(unlocked);
    renameSync(vaultFile, vault);
    renameSync(impostor, vaultFile);
    const { status } = await add(unlocked, admin, "second");
    // It is not the file that the server knows.
    expect(status).toBe(409);
    expect(await serviceNames(unlocked, admin)).not.toContain("second");
    expectUntouched();
  });
});

test("a vault file with a second name elsewhere works, and a save leaves the other name's bytes alone", async () => {
  await makeVault();
  const elsewhere = join(directory.path, "elsewhere");
  linkSync(vaultFile, elsewhere);
  const before = readFileSync(elsewhere);
  const server = await start();
  const admin = await unlock(server);
  expect((await add(server, admin, "second")).status).toBe(201);
  expect(readFileSync(elsewhere)).toEqual(before);
  expect(statSync(vaultFile).ino).not.toBe(statSync(elsewhere).ino);
});

test("what others may read is narrowed, and a directory that others may write is left so, each with a warning", async () => {
  await makeVault();
  for (const name of ["vault.enc", "vault.enc.bak"]) chmodSync(join(dataDir, name), 0o666);
  chmodSync(dataDir, 0o777);
  const server = await start();
  for (const name of ["vault.enc", "vault.enc.bak"]) {
    expect(statSync(join(dataDir, name)).mode & 0o777).toBe(0o600);
    expect(server.log()).toContain(`narrowed to 600 file=${name} mode=666`);
  }
  expect(statSync(dataDir).mode & 0o777).toBe(0o777);
  expect(server.log()).toContain("other users can write to the data directory");
  await unlock(server);
});

test("a lost vault file beside its backup is refused, and comes back as the refusal says", async () => {
  await makeVault();
  rmSync(vaultFile);
  await expectRefusal(/cp -p vault\.enc\.bak vault\.enc/, ["vault.enc.bak"]);
  const command = /cp -p vault\.enc\.bak vault\.enc/.exec((await refused()).output)?.[0] ?? "";
  execFileSync("sh", ["-c", command], { cwd: dataDir });
  await unlock(await start());
});

test("a data directory that disappears fails changes and unlocks, not calls, and works again once it is back", async () => {
  const server = await start();
  const admin = await unlock(server);
  await addService(server, admin, service("first"));
  const away = join(directory.path, "away");
  renameSync(dataDir, away);
  expect(await add(server, admin, "second")).toMatchObject({ status: 500, json: { code: "storage_failed" } });
  expect(await serviceNames(server, admin)).toEqual(["first"]);
  expect((await call(server.address, "GET", "/proxy/first/x", { token: admin })).text).toBe("ok");
  expect((await call(server.address, "POST", "/auth/lock", { token: admin })).status).toBe(200);
  const attempt = { body: JSON.stringify({ password: PASSWORD }) };
  expect(await call(server.address, "POST", "/auth/unlock", attempt)).toMatchObject({
    status: 500,
    json: { code: "storage_failed", error: expect.stringContaining("vault.enc is missing") as string },
  });
  expect(existsSync(dataDir)).toBe(false);
  renameSync(away, dataDir);
  await unlock(server);
  expect((await add(server, admin, "second")).status).toBe(201);
  expect(await server.stop()).toBe(0);
  expect(readdirSync(dataDir).filter((name) => !OWN_FILES.includes(name))).toEqual([]);
  const again = await start();
  await unlock(again);
  expect(await serviceNames(again, admin)).toEqual(["first", "second"]);
});

describe("systemd", () => {
  const untilUnlocked = (server: RunningServer): Promise<void> =>
    expect
      .poll(async () => (await call(server.address, "GET", "/health")).json, { timeout: 10_000 })
      .toMatchObject({ status: "unlocked" });

  test("may give the password as a credential", async () => {
    const env = { CREDENTIALS_DIRECTORY: join(directory.path, "credentials") };
    mkdirSync(env.CREDENTIALS_DIRECTORY);
    // The unit has credentials, and none of this name.
    const locked = await start(env);
    expect((await call(locked.address, "GET", "/health")).json).toMatchObject({ status: "locked" });
    await locked.stop();
    const credential = join(env.CREDENTIALS_DIRECTORY, "vault-password");
    writeFileSync(credential, `${PASSWORD}\n`, { mode: 0o440 });
    const server = await start(env);
    await untilUnlocked(server);
    await expect.poll(server.log).toContain("unlocked with the systemd credential");
    expect(server.log()).not.toContain("WARN");
    await unlock(server);
    await server.stop();
    writeFileSync(credential, "\n");
    const { code, output } = await startRefused(["--data-dir", dataDir, "--listen", "127.0.0.1:0"], env);
    expect(code).toBe(1);
    expect(output).toContain(`systemd credential: the first line of ${credential} is empty`);
  });
});

describe("core dumps", () => {
  test("are told to hold no memory", async () => {
    const server = await start();
    expect(Number.parseInt(readFileSync(`/proc/${server.pid}/coredump_filter`, "utf8"), 16)).toBe(0);
  });
});
