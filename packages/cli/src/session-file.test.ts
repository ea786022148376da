import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

import { readSession, removeSession, writeSession, type Session } from "./session-file.js";

async function sessionPath(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "vault-cli-"));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return join(home, ".vault-proxy", "session");
}

function session(token: string, listenerUid?: string): Session {
  return { token, address: "https://vault.example", listenerUid };
}

test("what was written is read again, from a private file in a private directory", async () => {
  const path = await sessionPath();
  await writeSession(path, session("tok_one"));
  await writeSession(path, session("tok_two", "998"));
  expect(await readSession(path)).toEqual(session("tok_two", "998"));
  expect(await readFile(path, "utf8")).toBe("tok_two\nhttps://vault.example\n998\n");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(path, ".."))).mode & 0o777).toBe(0o700);
  expect(await readdir(join(path, ".."))).toEqual(["session"]);
});

test("no file is no session, and removing it twice is fine", async () => {
  const path = await sessionPath();
  expect(await readSession(path)).toBeUndefined();
  await writeSession(path, session("tok_one"));
  await removeSession(path);
  await removeSession(path);
  expect(await readSession(path)).toBeUndefined();
});

test("a file that others may read is refused", async () => {
  const path = await sessionPath();
  await writeSession(path, session("tok_one"));
  await chmod(path, 0o640);
  await expect(readSession(path)).rejects.toThrow("other users may read");
});

test("a failed write says where and leaves nothing behind", async () => {
  const path = await sessionPath();
  await writeFile(join(path, "..", "..", ".vault-proxy"), "a file in the way");
  await expect(writeSession(path, session("tok_secret"))).rejects.toThrow(
    `cannot write the session ${path}: something else is in its place`,
  );
});

test("a bare token, as a Go client saves it, is one without an address", async () => {
  const path = await sessionPath();
  await writeSession(path, session("tok_one"));
  await writeFile(path, "tok_go");
  expect(await readSession(path)).toEqual({ token: "tok_go", address: "", listenerUid: undefined });
});

test("a named pipe or a directory in its place is refused at once", async () => {
  const path = await sessionPath();
  await writeSession(path, session("tok_one"));
  await removeSession(path);
  execFileSync("mkfifo", ["-m", "600", path]);
  await expect(readSession(path)).rejects.toThrow("no regular file");
  await rm(path);
  await mkdir(path, { mode: 0o700 });
  await expect(readSession(path)).rejects.toThrow("no regular file");
});

test.each(["", "\n", " \nhttps://vault.example\n"])("%j holds no token, and says so", async (text) => {
  const path = await sessionPath();
  await writeSession(path, session("tok_one"));
  await writeFile(path, text);
  await expect(readSession(path)).rejects.toThrow("is empty");
});
