import { execFile } from "node:child_process";
import { chmod, mkdir, open, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import {
  NotARegularFileError,
  fsyncDirectory,
  readRegularFile,
  removeDurably,
  replaceDurably,
  writeAll,
} from "./durable-file.js";
import { toStorageError } from "./storage-error.js";
import { withTemporaryDirectory } from "./testing/temporary-vault.js";

const run = promisify(execFile);
const text = async (directory: string, name: string) => readFile(join(directory, name), "utf8");
const replace = (directory: string, content: string, sync?: (directory: string) => Promise<void>) =>
  replaceDurably({ directory, name: "file", chunks: [Buffer.from(content)], keepAs: "file.bak" }, sync);

describe("replacing a file", () => {
  test("puts the new version in its place, mode 0600, and keeps the one before", () =>
    withTemporaryDirectory(async (directory) => {
      await replace(directory, "one");
      expect(await readdir(directory)).toEqual(["file"]);
      await replace(directory, "two");
      await replace(directory, "three");
      expect(await text(directory, "file")).toBe("three");
      expect(await text(directory, "file.bak")).toBe("two");
      expect((await readdir(directory)).sort()).toEqual(["file", "file.bak"]);
      expect((await stat(join(directory, "file"))).mode & 0o777).toBe(0o600);
    }));

  test("writes every piece, small and large, in order", () =>
    withTemporaryDirectory(async (directory) => {
      const chunks = [3, 0, 2_000_000, 5, 700_000, 700_000, 1].map((size, index) =>
        Buffer.alloc(size, index + 1),
      );
      await replaceDurably({ directory, name: "file", chunks });
      expect((await readFile(join(directory, "file"))).equals(Buffer.concat(chunks))).toBe(true);
    }));

  test("that somebody took away leaves the version before, until there is a newer one", () =>
    withTemporaryDirectory(async (directory) => {
      await replace(directory, "one");
      await replace(directory, "two");
      await rm(join(directory, "file"));
      await replace(directory, "three");
      expect(await text(directory, "file.bak")).toBe("one");
      expect(await text(directory, "file")).toBe("three");
    }));

  test("goes over a temporary file that an earlier crash left", () =>
    withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, "file.tmp"), "half");
      await replace(directory, "one");
      expect(await readdir(directory)).toEqual(["file"]);
    }));

  test("that cannot write its temporary file changes nothing", () =>
    withTemporaryDirectory(async (directory) => {
      await replace(directory, "one");
      await mkdir(join(directory, "file.tmp"));
      await expect(replace(directory, "two")).rejects.toThrow();
      expect(await text(directory, "file")).toBe("one");
    }));

  test("that cannot keep the version before changes nothing and leaves no temporary file", () =>
    withTemporaryDirectory(async (directory) => {
      await replace(directory, "one");
      await mkdir(join(directory, "file.bak"));
      await expect(replace(directory, "two")).rejects.toThrow();
      expect(await text(directory, "file")).toBe("one");
      expect((await readdir(directory)).sort()).toEqual(["file", "file.bak"]);
    }));

  test("whose last step fails puts the version before back", () =>
    withTemporaryDirectory(async (directory) => {
      const failingSync = () => Promise.reject(new Error("EIO"));
      await expect(replace(directory, "one", failingSync)).rejects.toThrow("EIO");
      expect(await readdir(directory)).toEqual([]);
      await replace(directory, "one");
      await replace(directory, "two");
      await expect(replace(directory, "three", failingSync)).rejects.toThrow("EIO");
      expect(await text(directory, "file")).toBe("two");
      expect(await text(directory, "file.bak")).toBe("two");
      expect((await readdir(directory)).sort()).toEqual(["file", "file.bak"]);
      await replace(directory, "four");
      expect(await text(directory, "file.bak")).toBe("two");
    }));

  test("makes the directory's names last as its last step", () =>
    withTemporaryDirectory(async (directory) => {
      const seen: string[][] = [];
      await replace(directory, "one", async (synced) => {
        seen.push(await readdir(synced));
        await fsyncDirectory(synced);
      });
      expect(seen).toEqual([["file"]]);
    }));

  test("removes what it was told to, before the new version appears", () =>
    withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, "old"), "x");
      const replacement = { directory, name: "file", chunks: [Buffer.from("y")], remove: ["old", "absent"] };
      await replaceDurably(replacement, async () => expect(await readdir(directory)).toEqual(["file"]));
    }));

  test("that meets a size limit half way fails and changes nothing", () =>
    withTemporaryDirectory(async (directory) => {
      await replace(directory, "one");
      // The limit is this process's own and is lifted again: the write is cut short by the kernel, for real.
      const limit = (bytes: string) =>
        run("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:unlimited`]);
      await limit("10000");
      try {
        await expect(
          replaceDurably({ directory, name: "file", chunks: [Buffer.alloc(15_000)], keepAs: "file.bak" }),
        ).rejects.toMatchObject({ code: "EFBIG" });
      } finally {
        await limit("unlimited");
      }
      expect(await text(directory, "file")).toBe("one");
      expect(await readdir(directory)).toEqual(["file"]);
    }));
});

test("a full device is an error, though its first write may report success", async () => {
  const full = await open("/dev/full", "w");
  try {
    const failure = await writeAll(full, [Buffer.alloc(10)]).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "ENOSPC" });
    expect(toStorageError(failure).code).toBe("storage_full");
  } finally {
    await full.close();
  }
});

test("a failed write says whether there was no room, and never the path", () => {
  const failed = (code: string) =>
    toStorageError(Object.assign(new Error(`${code}: /home/x/vault.enc`), { code }));
  expect(failed("ENOSPC").code).toBe("storage_full");
  expect(failed("EDQUOT").code).toBe("storage_full");
  for (const code of ["EIO", "EROFS", "EFBIG", "EACCES"]) expect(failed(code).code).toBe("storage_failed");
  for (const code of ["ENOSPC", "EIO"]) expect(failed(code).message).not.toContain("/home");
});

describe("reading a file", () => {
  test("gives its bytes, or undefined if it is not there", () =>
    withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, "file"), "content");
      expect((await readRegularFile(join(directory, "file"), 7))?.toString()).toBe("content");
      expect(await readRegularFile(join(directory, "absent"), 7)).toBeUndefined();
    }));

  test("refuses one that is larger than it may be", () =>
    withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, "file"), "content");
      await expect(readRegularFile(join(directory, "file"), 6)).rejects.toThrow(RangeError);
    }));

  test("refuses links, directories, pipes and devices", () =>
    withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, "file"), "content");
      await symlink(join(directory, "file"), join(directory, "link"));
      await symlink(join(directory, "nowhere"), join(directory, "dangling"));
      await mkdir(join(directory, "directory"));
      await run("mkfifo", [join(directory, "pipe")]);
      for (const path of ["link", "dangling", "directory", "pipe"].map((name) => join(directory, name))) {
        await expect(readRegularFile(path, 100)).rejects.toThrow(NotARegularFileError);
      }
      await expect(readRegularFile("/dev/zero", 100)).rejects.toThrow(NotARegularFileError);
    }));
});

test("removing files is quiet about those that are not there", () =>
  withTemporaryDirectory(async (directory) => {
    await writeFile(join(directory, "a"), "");
    await chmod(join(directory, "a"), 0o400);
    await removeDurably(directory, ["a", "b"]);
    expect(await readdir(directory)).toEqual([]);
  }));
