import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { truncateSync } from "node:fs";
import { appendFile, chmod, chown, lchown, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { call, makeToken, open, type Answered } from "../live/vault-calls.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";

const run = promisify(execFile);
const MIB = 1024 * 1024;

let vault: SshVault;
let sshd: RunningSshd;
/** A new directory of the user's for each test. */
let directory: string;

beforeAll(async () => {
  [vault, sshd] = await Promise.all([startSshVault(), startSshd({ login: "password" })]);
  await vault.addService("box", sshd);
});

afterAll(async () => {
  await vault.close();
  await sshd.stop();
});

let count = 0;
beforeEach(async () => {
  directory = join(sshd.home, `d${(count += 1)}`);
  await mkdir(directory);
  await chown(directory, sshd.uid, sshd.gid);
});

const put = async (path: string, content: string | Buffer): Promise<void> => {
  await writeFile(path, content);
  await chown(path, sshd.uid, sshd.gid);
};
const link = async (target: string, path: string): Promise<void> => {
  await symlink(target, path);
  await lchown(path, sshd.uid, sshd.gid);
};
const get = (remote_path: string, service = "box"): Promise<Answered> =>
  vault.post(`/ssh/${service}/download`, { remote_path });
/** The answer's head; its body is the test's to read. */
const begin = (remote_path: string, token = vault.token): Promise<IncomingMessage> =>
  open(vault.server.address, "POST", "/ssh/box/download", {
    token,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ remote_path }),
  });
const bytesOf = async (answer: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

describe("a file that is downloaded", () => {
  test("comes with its bytes, its length and its name", async () => {
    const content = randomBytes(300_000);
    await put(`${directory}/f.bin`, content);
    const answer = await begin(`${directory}/./x/../f.bin`);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      "content-length": "300000",
      "content-type": "application/octet-stream",
      "content-disposition": 'attachment; filename="f.bin"',
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    expect(answer.headers["x-vault-request-id"]).toMatch(/./);
    expect((await bytesOf(answer)).equals(content)).toBe(true);
  });

  test("may be empty, and may have 50 MB", async () => {
    await put(`${directory}/empty`, "");
    expect((await get(`${directory}/empty`)).headers).toMatchObject({ "content-length": "0" });
    const content = randomBytes(50 * MIB);
    await put(`${directory}/large`, content);
    const started = performance.now();
    expect((await bytesOf(await begin(`${directory}/large`))).equals(content)).toBe(true);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("may not have a byte more", async () => {
    await put(`${directory}/large`, "");
    truncateSync(`${directory}/large`, 50 * MIB + 1);
    const answer = await get(`${directory}/large`);
    expect(answer.status).toBe(413);
    expect(answer.json).toMatchObject({ code: "body_too_large" });
  });

  test.each(["a b", `"x" 'y'`, "$(id);`id`*", "grüße–日本語", "-rf", "ü".repeat(127)])(
    "has its name as it is: %s",
    async (name) => {
      await put(`${directory}/${name}`, name);
      const answer = await get(`${directory}/${name}`);
      expect(answer.text).toBe(name);
      expect(answer.headers["content-disposition"]).toMatch(/^attachment; filename=/);
    },
  );

  test("is cut at the size that was announced, if it grows", async () => {
    await put(`${directory}/f`, Buffer.alloc(8 * MIB, "a"));
    const answer = await begin(`${directory}/f`);
    await appendFile(`${directory}/f`, Buffer.alloc(MIB, "b"));
    expect((await bytesOf(answer)).equals(Buffer.alloc(8 * MIB, "a"))).toBe(true);
  });

  test("is broken off if it shrinks, and never looks whole", async () => {
    await put(`${directory}/f`, Buffer.alloc(40 * MIB, "a"));
    const answer = await begin(`${directory}/f`);
    truncateSync(`${directory}/f`, 1);
    await expect(bytesOf(answer)).rejects.toThrow("aborted");
  });

  test("is broken off when its token is revoked, though its caller takes nothing", async () => {
    await put(`${directory}/f`, Buffer.alloc(40 * MIB, "a"));
    const token = await makeToken(vault.server, vault.admin);
    const answer = await begin(`${directory}/f`, token);
    await once(answer, "readable");
    await call(vault.server.address, "DELETE", `/tokens/${token}`, { token: vault.admin });
    await expect(bytesOf(answer)).rejects.toThrow("aborted");
    await expect.poll(() => sshd.commands()).toEqual([]);
  });

  test("is not read on when its caller goes away", async () => {
    await put(`${directory}/f`, Buffer.alloc(40 * MIB, "a"));
    const answer = await begin(`${directory}/f`);
    expect(sshd.commands()).not.toEqual([]);
    answer.destroy();
    await expect.poll(() => sshd.commands()).toEqual([]);
  });
});

describe("a path", () => {
  test("of no file is not found", async () => {
    for (const name of ["none", "none/none"]) {
      const answer = await get(`${directory}/${name}`);
      expect(answer.status).toBe(404);
      expect(answer.json).toMatchObject({ code: "not_found", error: "no such file at the server" });
    }
  });

  test("of what is no regular file is refused, without waiting for one that never gives anything", async () => {
    await run("mkfifo", [`${directory}/fifo`]);
    await chmod(`${directory}/fifo`, 0o666);
    for (const path of [directory, `${directory}/fifo`]) {
      const answer = await get(path);
      expect(answer.status, answer.text).toBe(400);
      expect(answer.text).toContain("no regular file");
    }
  });

  test("that its user may not read is refused", async () => {
    await writeFile(`${directory}/secret`, "x", { mode: 0o600 });
    await mkdir(`${directory}/closed`, { mode: 0o700 });
    for (const path of ["secret", "closed/f"]) {
      const answer = await get(`${directory}/${path}`);
      expect(answer.status, answer.text).toBe(403);
      expect(answer.json).toMatchObject({ error: "the server does not let its user read this file" });
    }
  });

  test.each(["", "f", "~/f", "/tmp/a\nb", "/tmp/a\0b", "/tmp/", "/tmp/.", "/", "/" + "x".repeat(256)])(
    "that is none is refused: %j",
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(400);
      expect(answer.text).toContain("remote_path");
    },
  );

  test.each([
    "/etc/passwd",
    "//etc/./passwd",
    "/tmp/../etc/passwd",
    "/root/.ssh/id_rsa",
    "/home/any/.ssh/id_rsa",
    "/proc/self/environ",
    "/usr/lib/os-release",
    "/LIB/x",
  ])("that no transfer touches is refused: %s", async (path) => {
    const answer = await get(path);
    expect(answer.status, answer.text).toBe(400);
    expect(answer.text).toContain("no transfer touches");
  });

  test("may lead through links, and not to what no transfer touches", async () => {
    await put(`${directory}/f`, "reached");
    await link(directory, `${directory}/here`);
    await link("here/../f", `${directory}/up`);
    await link("f", `${directory}/one`);
    await link("here/one", `${directory}/two`);
    expect((await get(`${directory}/two`)).text).toBe("reached");
    expect((await get(`${directory}/here/here/one`)).text).toBe("reached");
    // By the text it would be the file; by the links it is beside the directory.
    expect((await get(`${directory}/up`)).status).toBe(404);

    await link("/etc/passwd", `${directory}/file-link`);
    await link("/etc", `${directory}/directory-link`);
    await link("file-link", `${directory}/chain`);
    await link("/proc/self/root/etc/passwd", `${directory}/by-proc`);
    await mkdir(`${sshd.home}/.ssh`, { recursive: true });
    await put(`${sshd.home}/.ssh/id`, "key");
    await link(`${sshd.home}/.ssh`, `${directory}/keys`);
    for (const path of ["file-link", "directory-link/passwd", "chain", "by-proc", "keys/id"]) {
      const answer = await get(`${directory}/${path}`);
      expect(answer.status, path).toBe(400);
      expect(answer.text, path).toContain("no transfer touches");
    }
    await rm(`${sshd.home}/.ssh`, { recursive: true });
    await link("loop", `${directory}/loop`);
    expect((await get(`${directory}/loop`)).status).toBe(400);
  });

  test("through a link that is changed all the time leads to what is allowed, or nowhere", async () => {
    await put(`${directory}/f`, "allowed");
    await link("f", `${directory}/link`);
    // Another process of the user's: it changes the link as fast as it can.
    const changing = vault.exec(
      "box",
      `cd ${directory}; while [ ! -e stop ]; do ln -sfn /etc/passwd a; mv -T a link; ln -sfn f a; mv -T a link; done`,
    );
    for (let turn = 0; turn < 60; turn += 1) {
      const answer = await get(`${directory}/link`);
      if (answer.status === 200) expect(answer.text).toBe("allowed");
      else expect([400, 404, 409]).toContain(answer.status);
    }
    await put(`${directory}/stop`, "");
    await changing;
  });
});

describe("a service with lists", () => {
  test("of commands only gives no files", async () => {
    await put(`${directory}/f`, "x");
    await vault.addService("commands", sshd, { auth: { ssh_allowed_commands: ["true"] } });
    const answer = await get(`${directory}/f`, "commands");
    expect(answer.status).toBe(403);
    expect(answer.json).toMatchObject({ code: "forbidden" });
  });

  test("of paths gives files there and nowhere else", async () => {
    for (const name of ["in", "out", "inside"]) await mkdir(`${directory}/${name}`);
    for (const name of ["in/f", "out/f", "inside/f", "single"]) await put(`${directory}/${name}`, name);
    await link("../out/f", `${directory}/in/escape`);
    await link("in/f", `${directory}/to-in`);
    const ssh_allowed_paths = [`${directory}/in`, `${directory}/single`];
    await vault.addService("paths", sshd, { auth: { ssh_allowed_commands: ["true"], ssh_allowed_paths } });
    const statusOf = async (path: string): Promise<number> =>
      (await get(`${directory}/${path}`, "paths")).status;
    expect(await statusOf("in/f")).toBe(200);
    expect(await statusOf("single")).toBe(200);
    expect(await statusOf("inside/f")).toBe(403);
    expect(await statusOf("out/f")).toBe(403);
    expect(await statusOf("in/../out/f")).toBe(403);
    expect(await statusOf("in/escape")).toBe(403);
    expect(await statusOf("to-in")).toBe(403);
  });
});
