import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { withTemporaryDirectory } from "../vault/testing/temporary-vault.js";
import { AuditFile } from "./audit-file.js";

test("a file that is open is not opened again, and what is appended goes on behind what was there", async () => {
  await withTemporaryDirectory(async (directory) => {
    const file = new AuditFile(directory, 2);
    await file.open();
    const descriptors = readdirSync("/proc/self/fd").length;
    for (const text of ["one\n", "two\n"]) await file.append({ bytes: Buffer.from(text), offset: 0 });
    // What a first attempt has written already is not written again.
    await file.append({ bytes: Buffer.from("three\n"), offset: 2 });
    expect(readdirSync("/proc/self/fd")).toHaveLength(descriptors);
    await file.close();
    expect(readFileSync(join(directory, "audit.jsonl"), "utf8")).toBe("one\ntwo\nree\n");
  });
});

test("a link or a pipe in its place is refused at once, and leaves nothing open", async () => {
  await withTemporaryDirectory(async (directory) => {
    const place = join(directory, "audit.jsonl");
    writeFileSync(join(directory, "other"), "");
    const descriptors = readdirSync("/proc/self/fd").length;
    symlinkSync(join(directory, "other"), place);
    await expect(new AuditFile(directory, 2).open()).rejects.toMatchObject({ code: "ELOOP" });
    rmSync(place);
    execFileSync("mkfifo", [place]);
    await expect(new AuditFile(directory, 2).open()).rejects.toMatchObject({ code: "ENXIO" });
    const reader = openSync(place, constants.O_RDONLY | constants.O_NONBLOCK);
    await expect(new AuditFile(directory, 2).open()).rejects.toThrow("not a regular file");
    closeSync(reader);
    expect(readdirSync("/proc/self/fd")).toHaveLength(descriptors);
  });
});

test("it is gone when another is in its place, and a directory that cannot be read says nothing of it", async () => {
  await withTemporaryDirectory(async (directory) => {
    const place = join(directory, "audit.jsonl");
    const file = new AuditFile(directory, 2);
    expect(await file.isGone()).toBe(false);
    await file.open();
    expect(await file.isGone()).toBe(false);
    renameSync(place, join(directory, "moved"));
    expect(await file.isGone()).toBe(true);
    writeFileSync(place, "");
    expect(await file.isGone()).toBe(true);
    renameSync(directory, `${directory}.away`);
    writeFileSync(directory, "");
    await expect(file.isGone()).rejects.toMatchObject({ code: "ENOTDIR" });
    rmSync(directory);
    renameSync(`${directory}.away`, directory);
    await file.close();
  });
});

test("what was written to a file that is left, moved or full, is on the disk before another begins", async () => {
  await withTemporaryDirectory(async (directory) => {
    const place = join(directory, "audit.jsonl");
    const file = new AuditFile(directory, 9);
    await file.open();
    const other = await open(place);
    const sync = vi.spyOn(Object.getPrototypeOf(other) as FileHandle, "datasync");
    await other.close();
    await file.append({ bytes: Buffer.from("one\n"), offset: 0 });
    renameSync(place, join(directory, "moved"));
    await file.reopen();
    expect(sync).toHaveBeenCalledTimes(1);
    await file.append({ bytes: Buffer.from("two\n"), offset: 0 });
    await file.rotate();
    expect(sync).toHaveBeenCalledTimes(2);
    await file.close();
    expect(readFileSync(join(directory, "moved"), "utf8")).toBe("one\n");
    expect(readFileSync(join(directory, "audit.1.jsonl"), "utf8")).toBe("two\n");
  });
});
