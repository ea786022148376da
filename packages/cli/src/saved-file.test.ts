import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

import { saveFile } from "./saved-file.js";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "vault-saved-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const text of texts) {
    await Promise.resolve();
    if (text === "!") throw new Error("broken off");
    yield Buffer.from(text);
  }
}

test("a new file is there when all has come, and its size is told", async () => {
  const at = await folder();
  expect(await saveFile(join(at, "new"), pieces("ab", "c"))).toBe(3);
  expect(await readFile(join(at, "new"), "utf8")).toBe("abc");
  expect(await readdir(at)).toEqual(["new"]);
});

test("what breaks off leaves what was there, and nothing beside", async () => {
  const at = await folder();
  await writeFile(join(at, "old"), "old");
  await expect(saveFile(join(at, "old"), pieces("ab", "!"))).rejects.toThrow("broken off");
  await expect(saveFile(join(at, "new"), pieces("!"))).rejects.toThrow("broken off");
  expect(await readdir(at)).toEqual(["old"]);
  expect(await readFile(join(at, "old"), "utf8")).toBe("old");
});

test("a file that is replaced keeps its permissions, and is not open to others meanwhile", async () => {
  const at = await folder();
  await writeFile(join(at, "old"), "old");
  await chmod(join(at, "old"), 0o600);
  let meanwhile: number | undefined;
  async function* look(): AsyncGenerator<Uint8Array, void, undefined> {
    yield Buffer.from("new");
    const [beside = ""] = (await readdir(at)).filter((name) => name !== "old");
    meanwhile = (await stat(join(at, beside))).mode & 0o777;
  }
  await saveFile(join(at, "old"), look());
  expect(meanwhile).toBe(0o600);
  expect((await stat(join(at, "old"))).mode & 0o777).toBe(0o600);
});

test("a symbolic link stays one", async () => {
  const at = await folder();
  await mkdir(join(at, "real"));
  await writeFile(join(at, "real/old"), "old");
  await symlink("real/old", join(at, "link"));
  await saveFile(join(at, "link"), pieces("new"));
  expect(await readFile(join(at, "real/old"), "utf8")).toBe("new");
  expect((await readdir(at)).sort()).toEqual(["link", "real"]);
});

test("what is no regular file is written to, or refused", async () => {
  expect(await saveFile("/dev/null", pieces("abc"))).toBe(3);
  const at = await folder();
  await expect(saveFile(at, pieces("x"))).rejects.toThrow("is a folder");
  await expect(saveFile(join(at, "none/x"), pieces("x"))).rejects.toThrow("cannot write");
});
