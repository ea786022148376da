import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

import { readSession, removeSession, writeSession } from "./session-file.js";

async function sessionPath(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "vault-cli-"));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return join(home, ".vault-proxy", "session");
}

test("what was written is read again, from a private file in a private directory", async () => {
  const path = await sessionPath();
  await writeSession(path, "tok_one");
  await writeSession(path, "tok_two");
  expect(await readSession(path)).toBe("tok_two");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(path, ".."))).mode & 0o777).toBe(0o700);
  expect(await readdir(join(path, ".."))).toEqual(["session"]);
});

test("no file is no session, and removing it twice is fine", async () => {
  const path = await sessionPath();
  expect(await readSession(path)).toBeUndefined();
  await writeSession(path, "tok_one");
  await removeSession(path);
  await removeSession(path);
  expect(await readSession(path)).toBeUndefined();
});

test("a file that others may read is refused", async () => {
  const path = await sessionPath();
  await writeSession(path, "tok_one");
  await chmod(path, 0o640);
  await expect(readSession(path)).rejects.toThrow("other users may read");
});

test("a failed write says where and leaves nothing behind", async () => {
  const path = await sessionPath();
  await writeFile(join(path, "..", "..", ".vault-proxy"), "a file in the way");
  await expect(writeSession(path, "tok_secret")).rejects.toThrow(`cannot save the session to ${path}`);
});
