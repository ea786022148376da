import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, statSync, type Stats } from "node:fs";
import { chmod, chown, lchown, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Mounts } from "../durability/mounts.js";
import { call, makeToken } from "../live/vault-calls.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { sendForm, stallUpload, upload, type SentField } from "./moved-files.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";

const MIB = 1024 * 1024;

let vault: SshVault;
let sshd: RunningSshd;
let mounts: Mounts;
/** A new directory of the user's for each test. */
let directory: string;

beforeAll(async () => {
  [vault, sshd] = await Promise.all([startSshVault(), startSshd({ login: "password" })]);
  mounts = new Mounts(sshd.home);
  await vault.addService("box", sshd);
});

afterAll(async () => {
  await vault.close();
  await mounts.unmountAll();
  await sshd.stop();
});

let count = 0;
beforeEach(async () => {
  directory = join(sshd.home, `d${(count += 1)}`);
  await makeDirectory(directory);
});

const own = (path: string): Promise<void> => chown(path, sshd.uid, sshd.gid);
const makeDirectory = async (path: string): Promise<void> => {
  await mkdir(path);
  await own(path);
};
const link = async (target: string, path: string): Promise<void> => {
  await symlink(target, path);
  await lchown(path, sshd.uid, sshd.gid);
};
const permissions = ({ mode }: Stats): number => mode & 0o7777;
const put = (path: string, content: string | Buffer = "new"): ReturnType<typeof upload> =>
  upload(vault, "box", path, content);

describe("a file that is uploaded", () => {
  test("is at its place with its bytes and the default mode", async () => {
    const content = randomBytes(300_000);
    const answer = await put(`${directory}/f`, content);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json).toEqual({ ok: true, bytes: 300_000, remote_path: `${directory}/f` });
    expect(readFileSync(`${directory}/f`).equals(content)).toBe(true);
    expect(permissions(statSync(`${directory}/f`))).toBe(0o644);
    expect(statSync(`${directory}/f`).uid).toBe(sshd.uid);
    expect(readdirSync(directory)).toEqual(["f"]);
  });

  test("may be empty, and may have 50 MB", async () => {
    expect((await put(`${directory}/empty`, "")).json).toMatchObject({ ok: true, bytes: 0 });
    const started = performance.now();
    const answer = await put(`${directory}/large`, Buffer.alloc(50 * MIB, "x"));
    expect(answer.json, answer.text).toMatchObject({ bytes: 50 * MIB });
    expect(statSync(`${directory}/large`).size).toBe(50 * MIB);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("may not have a byte more", async () => {
    const answer = await put(`${directory}/large`, Buffer.alloc(50 * MIB + 1));
    expect(answer.status).toBe(413);
    expect(answer.json).toMatchObject({ code: "body_too_large" });
    await expect.poll(() => readdirSync(directory)).toEqual([]);
  });

  test.each([
    ["600", 0o600],
    ["0755", 0o755],
    ["0", 0],
    ["0777", 0o777],
  ])("gets mode %s", async (mode, bits) => {
    const answer = await upload(vault, "box", `${directory}/f`, "x", { mode });
    expect(answer.status, answer.text).toBe(200);
    expect(permissions(statSync(`${directory}/f`))).toBe(bits);
  });

  test.each(["1777", "04755", "-1", "rw", "0o644", "8", "", "0644 "])(
    "does not get mode %j",
    async (mode) => {
      const answer = await upload(vault, "box", `${directory}/f`, "x", { mode });
      expect(answer.status).toBe(400);
      expect(answer.text).toContain("mode:");
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  test("gets the directories that are missing", async () => {
    const answer = await put(`${directory}/a/b/../c/f`);
    expect(answer.json, answer.text).toMatchObject({ remote_path: `${directory}/a/c/f` });
    expect(readFileSync(`${directory}/a/c/f`, "utf8")).toBe("new");
    expect(permissions(statSync(`${directory}/a/c`))).toBe(0o755);
  });

  test("has its name as it is: blanks, quotes, shell's signs, no ASCII, 255 bytes", async () => {
    for (const name of [
      "a b",
      `"x" 'y'`,
      "$(id);`id`*",
      "grüße–日本語",
      "-rf",
      "x".repeat(255),
      "ü".repeat(127),
    ]) {
      const answer = await put(`${directory}/${name}`, name);
      expect(answer.status, answer.text).toBe(200);
      expect(readFileSync(`${directory}/${name}`, "utf8")).toBe(name);
    }
  });

  test("replaces one that was there in one step, and keeps nothing of its mode", async () => {
    await writeFile(`${directory}/f`, "old and longer", { mode: 0o600 });
    await own(`${directory}/f`);
    expect((await put(`${directory}/f`)).status).toBe(200);
    expect(readFileSync(`${directory}/f`, "utf8")).toBe("new");
    expect(permissions(statSync(`${directory}/f`))).toBe(0o644);
  });

  test("may be the first or the last of its form", async () => {
    const file = ["file", Buffer.from("by order")] as const;
    const path = ["remote_path", `${directory}/f`] as const;
    const mode = ["mode", "0640"] as const;
    for (const fields of [
      [file, path, mode],
      [path, file, mode],
      [mode, path, file],
    ]) {
      const answer = await sendForm(vault, "box", fields);
      expect(answer.status, answer.text).toBe(200);
      expect(permissions(statSync(`${directory}/f`))).toBe(0o640);
      await rm(`${directory}/f`);
    }
  });
});

describe("a form is refused, and nothing stays at the server", () => {
  const file = ["file", Buffer.from("x")] as const;
  test.each([
    [
      "an unknown field after the file",
      () => [["remote_path", `${directory}/f`], file, ["more", "x"]],
      "unknown field",
    ],
    ["a second file", () => [["remote_path", `${directory}/f`], file, file], "only one file"],
    ["no file", () => [["remote_path", `${directory}/f`]], "file: is required"],
    ["no path", () => [file], "remote_path: is required"],
    ["a relative path", () => [["remote_path", "f"], file], "must be absolute"],
    ["a line feed in the path", () => [["remote_path", `${directory}/a\nb`], file], "control character"],
    ["a directory's path", () => [["remote_path", `${directory}/`], file], "must name a file"],
  ] as readonly (readonly [string, () => readonly SentField[], string])[])(
    "with %s",
    async (_, fields, said) => {
      const answer = await sendForm(vault, "box", fields());
      expect(answer.status, answer.text).toBe(400);
      expect(answer.text).toContain(said);
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  test("that ends before its last boundary", async () => {
    const { socket, answer } = stallUpload(vault, "box", `${directory}/f`, 500_000);
    await expect.poll(() => readdirSync(directory).length).toBe(1);
    socket.end();
    await answer;
    await expect.poll(() => readdirSync(directory)).toEqual([]);
  });

  test("in a content coding", async () => {
    const answer = await upload(vault, "box", `${directory}/f`, "x", {
      headers: { "Content-Encoding": "gzip" },
    });
    expect(answer.status).toBe(415);
  });
});

describe("an upload that breaks off leaves the old file, and no other", () => {
  beforeEach(async () => {
    await writeFile(`${directory}/f`, "old");
    await own(`${directory}/f`);
  });
  const isUnderWay = (): Promise<void> => expect.poll(() => readdirSync(directory).length).toBe(2);
  const onlyTheOld = async (): Promise<void> => {
    await expect.poll(() => readdirSync(directory)).toEqual(["f"]);
    expect(readFileSync(`${directory}/f`, "utf8")).toBe("old");
  };

  test("when the caller goes away", async () => {
    const { socket } = stallUpload(vault, "box", `${directory}/f`, 1_000_000);
    await isUnderWay();
    socket.destroy();
    await onlyTheOld();
  });

  test("when its token is revoked", async () => {
    const token = await makeToken(vault.server, vault.admin);
    const { answer } = stallUpload(vault, "box", `${directory}/f`, 1_000_000, token);
    await isUnderWay();
    const revoked = await call(vault.server.address, "DELETE", `/tokens/${token}`, { token: vault.admin });
    expect(revoked.status, revoked.text).toBe(200);
    await onlyTheOld();
    expect(await answer).toMatch(/^HTTP\/1\.1 401 /);
  });

  test("when the server's process is killed, except for what was begun", async () => {
    const { answer } = stallUpload(vault, "box", `${directory}/f`, 1_000_000);
    await isUnderWay();
    for (const pid of sshd.commands()) process.kill(pid, "SIGKILL");
    expect(await answer).toMatch(/^HTTP\/1\.1 502 /);
    expect(readFileSync(`${directory}/f`, "utf8")).toBe("old");
  });

  test("and goes on when the rest comes late", async () => {
    const stalled = stallUpload(vault, "box", `${directory}/f`, 1_000_000);
    await isUnderWay();
    stalled.finish();
    expect(await stalled.answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(statSync(`${directory}/f`).size).toBe(1_100_000);
  });
});

test("uploads whose file comes before its path wait in memory two at a time, and are refused beyond", async () => {
  const { hostname, port } = new URL(vault.server.address);
  const begun = Buffer.from(
    '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nthe beginning of it',
  );
  const sockets = Array.from({ length: 2 }, () => connect(Number(port), hostname));
  for (const socket of sockets) {
    socket.on("error", () => undefined);
    socket.write(
      `POST /ssh/box/upload HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${vault.token}\r\n` +
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n",
    );
    socket.write(begun);
  }
  const late = (): ReturnType<typeof upload> =>
    sendForm(vault, "box", [
      ["file", Buffer.from("x")],
      ["remote_path", `${directory}/f`],
    ]);
  await expect.poll(async () => (await late()).status).toBe(429);
  expect((await late()).headers["retry-after"]).toMatch(/^\d+$/);
  // With its path first, nothing waits.
  expect((await put(`${directory}/f`)).status).toBe(200);
  for (const socket of sockets) socket.destroy();
  await expect.poll(async () => (await late()).status).toBe(200);
});

describe("a path that no transfer touches", () => {
  test.each([
    "/etc/x",
    "//etc//x",
    "/tmp/../etc/x",
    "/./etc/./x",
    "/root/.ssh/authorized_keys",
    "/home/x/.ssh/authorized_keys",
    "/proc/self/mem",
    "/sys/x",
    "/dev/shm/x",
    "/boot/x",
    "/lib/x",
    "/usr/lib/x",
    "/lib64/x",
    "/sbin/x",
    "/usr/sbin/x",
  ])("is refused: %s", async (path) => {
    const answer = await put(path);
    expect(answer.status, answer.text).toBe(400);
    expect(answer.json).toMatchObject({ code: "invalid_request" });
    expect(answer.text).toContain("no transfer touches");
  });

  test("is the user's own .ssh too, wherever the home is, and whatever it is a link to", async () => {
    expect((await put(`${sshd.home}/.ssh/authorized_keys`)).status).toBe(400);
    await link(directory, `${sshd.home}/.ssh`);
    try {
      expect((await put(`${directory}/authorized_keys`)).status).toBe(400);
    } finally {
      await rm(`${sshd.home}/.ssh`);
    }
    expect(readdirSync(directory)).toEqual([]);
  });

  test("is no more reached by links: of a directory, in a chain, relative, by way of /proc", async () => {
    await link("/etc", `${directory}/etc`);
    await link("etc", `${directory}/one`);
    await link(`${directory}/one`, `${directory}/two`);
    await link("../".repeat(20) + "etc/ssh", `${directory}/up`);
    await link("/proc/self/root/etc", `${directory}/root`);
    for (const name of ["etc", "one", "two", "up", "root", "two/ssh/deeper", "two/./../../etc"]) {
      const answer = await put(`${directory}/${name}/x`);
      expect(answer.text, name).toMatch(/no transfer touches|not_found|ok/);
      if (name !== "two/./../../etc") expect(answer.status, name).toBe(400);
    }
    await link("loop", `${directory}/loop`);
    expect((await put(`${directory}/loop/x`)).status).toBe(400);
  });
});

describe("what is in the file's place", () => {
  test("is replaced if it is a link, never written through", async () => {
    await writeFile(`${directory}/target`, "untouched");
    await own(`${directory}/target`);
    await link("target", `${directory}/link`);
    await link("/etc/passwd", `${directory}/passwd`);
    for (const name of ["link", "passwd"]) {
      expect((await put(`${directory}/${name}`)).status).toBe(200);
      expect(lstatSync(`${directory}/${name}`).isFile()).toBe(true);
    }
    expect(readFileSync(`${directory}/target`, "utf8")).toBe("untouched");
  });

  test("is left alone if it is a directory, or stands where one is needed", async () => {
    await makeDirectory(`${directory}/sub`);
    await writeFile(`${directory}/plain`, "plain");
    for (const path of ["sub", "plain/f"]) {
      const answer = await put(`${directory}/${path}`);
      expect(answer.status, answer.text).toBe(409);
      expect(answer.json).toMatchObject({ code: "conflict" });
    }
    expect(readdirSync(directory)).toEqual(["plain", "sub"]);
  });
});

test("an upload into a directory that turns into a link and back all the time never gets where that leads", async () => {
  await makeDirectory(`${directory}/in`);
  await makeDirectory(`${directory}/out`);
  await vault.addService("changing", sshd, { auth: { ssh_allowed_paths: [`${directory}/in`] } });
  const changing = vault.exec(
    "box",
    `cd ${directory}/in; mkdir d; ln -s ../out l; while [ ! -e ../stop ]; do mv d e; mv l d; mv d l; mv e d; done`,
  );
  for (let turn = 0; turn < 40; turn += 1) {
    const answer = await upload(vault, "changing", `${directory}/in/d/f`, "x");
    expect([200, 403, 404, 409, 502], answer.text).toContain(answer.status);
  }
  await put(`${directory}/stop`);
  await changing;
  expect(readdirSync(`${directory}/out`).filter((name) => name === "f")).toEqual([]);
});

describe("a server that does not take the file", () => {
  test("because its user may not write there says so", async () => {
    const closed = join(sshd.home, "closed");
    await mkdir(closed, { mode: 0o755 });
    for (const path of [`${closed}/f`, `${closed}/more/f`]) {
      const answer = await put(path);
      expect(answer.status, answer.text).toBe(403);
      expect(answer.json).toMatchObject({ code: "forbidden" });
      expect(answer.text).toContain("the server does not let its user");
    }
    await chmod(closed, 0o700);
    expect((await put(`${closed}/f`)).status).toBe(403);
  });

  test("because its disk is full says so, and keeps the old file", async () => {
    const { path } = await mounts.newTmpfs("300k");
    await own(path);
    await writeFile(join(path, "f"), "old");
    await own(join(path, "f"));
    const answer = await put(join(path, "f"), Buffer.alloc(1_000_000));
    expect(answer.status, answer.text).toBe(502);
    expect(answer.json).toMatchObject({ code: "upstream_failed", error: "the server's disk is full" });
    expect(readdirSync(path)).toEqual(["f"]);
    expect(readFileSync(join(path, "f"), "utf8")).toBe("old");
  });

  test("because it has no SFTP says so", async () => {
    const other = await startSshd({ login: "password", sftp: false });
    try {
      await vault.addService("bare", other);
      const answer = await upload(vault, "bare", `${other.home}/f`, "x");
      expect(answer.status).toBe(502);
      expect(answer.text).toContain("no SFTP");
    } finally {
      await other.stop();
    }
  });
});

describe("a service with lists", () => {
  test("of commands only moves no files", async () => {
    await vault.addService("commands", sshd, { auth: { ssh_allowed_commands: ["true"] } });
    const answer = await upload(vault, "commands", `${directory}/f`, "x");
    expect(answer.status).toBe(403);
    expect(answer.json).toMatchObject({ code: "forbidden" });
    expect(readdirSync(directory)).toEqual([]);
  });

  test("of paths takes files there, wherever the entries lead, and nowhere else", async () => {
    for (const name of ["in", "out", "in/sub"]) await makeDirectory(`${directory}/${name}`);
    await link("in", `${directory}/entry`);
    await link("../out", `${directory}/in/escape`);
    const ssh_allowed_paths = [`${directory}/entry`];
    await vault.addService("paths", sshd, { auth: { ssh_allowed_commands: ["true"], ssh_allowed_paths } });
    const statusOf = async (path: string): Promise<number> =>
      (await upload(vault, "paths", `${directory}/${path}`, "x")).status;
    expect(await statusOf("entry/f")).toBe(200);
    expect(await statusOf("entry/sub/f")).toBe(200);
    expect(await statusOf("entry/../out/f")).toBe(403);
    expect(await statusOf("out/f")).toBe(403);
    expect(await statusOf("in/f")).toBe(403);
    expect(await statusOf("entry/escape/f")).toBe(403);
    expect(existsSync(`${directory}/in/f`)).toBe(true);
    expect(readdirSync(`${directory}/out`)).toEqual([]);
  });
});

test("an upload that a lock ends leaves the old file, and no other", async () => {
  await writeFile(`${directory}/f`, "old");
  await own(`${directory}/f`);
  const { answer } = stallUpload(vault, "box", `${directory}/f`, 1_000_000);
  await expect.poll(() => readdirSync(directory).length).toBe(2);
  const locked = await call(vault.server.address, "POST", "/auth/lock", { token: vault.admin });
  expect(locked.status, locked.text).toBe(200);
  expect(await answer).toMatch(/^HTTP\/1\.1 423 /);
  await expect.poll(() => readdirSync(directory)).toEqual(["f"]);
  expect(readFileSync(`${directory}/f`, "utf8")).toBe("old");
});
