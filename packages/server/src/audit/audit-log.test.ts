import { randomBytes } from "node:crypto";
import { open, readFile, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { withTemporaryDirectory } from "../vault/testing/temporary-vault.js";
import { AUDIT_LIMITS } from "./audit-limits.js";
import { openAuditLog } from "./audit-log.js";
import { createLineMaker, UnmadeEntry } from "./entry-members.js";
import { call, filesIn, keyOf, linesOf, openLogIn, writeLog } from "./testing/written-log.js";
import { verifyAuditLog } from "./verify-log.js";

test("what is recorded is written, chained, and verifies with the key and without", async () => {
  await withTemporaryDirectory(async (directory) => {
    await writeLog(directory, 20);
    const lines = await linesOf(directory);
    expect(lines).toHaveLength(23);
    expect(JSON.parse(lines[5]!)).toMatchObject({ seq: 6, action: "proxy", path: "/repos/acme/3?page=***" });
    expect((await stat(join(directory, "audit.jsonl"))).mode & 0o777).toBe(0o600);
    expect(await verifyAuditLog(directory, {})).toMatchObject({
      bad: undefined,
      lines: 23,
      authenticated: 0,
    });
    expect(await verifyAuditLog(directory, { keys: [keyOf("k")] })).toMatchObject({
      ...{ bad: undefined, torn: undefined, authenticated: 21, uncovered: 0, last: { sequence: 23 } },
    });
  });
});

test("what is recorded is written soon, though nobody asks for it", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory);
    void log.record(call(1));
    await expect.poll(() => linesOf(directory)).toHaveLength(2);
    void log.record(call(2));
    await expect.poll(() => linesOf(directory)).toHaveLength(3);
    await log.close();
  });
});

test("nothing waits for a log that is closed", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory, { waitMs: 60_000 });
    await log.close();
    await expect(log.flush()).rejects.toMatchObject({ code: "audit_unavailable" });
    await expect(log.record(call(1))).rejects.toMatchObject({ code: "audit_unavailable" });
    await log.close();
  });
});

test("a log goes on where an earlier run ended", async () => {
  await withTemporaryDirectory(async (directory) => {
    await writeLog(directory, 3);
    await writeLog(directory, 3);
    expect(await verifyAuditLog(directory, { keys: [keyOf("k")] })).toMatchObject({
      bad: undefined,
      lines: 11,
    });
  });
});

test("a full file is rotated out, the chain goes on over the files, and only so many are kept", async () => {
  await withTemporaryDirectory(async (directory) => {
    const limits = { fileBytes: 2_000, files: 4 };
    await writeLog(directory, 10, limits);
    expect(await filesIn(directory)).toEqual(["audit.1.jsonl", "audit.2.jsonl", "audit.jsonl"]);
    expect(await verifyAuditLog(directory, { keys: [keyOf("k")] })).toMatchObject({
      bad: undefined,
      first: { sequence: 1 },
    });
    await writeLog(directory, 100, limits);
    expect(await filesIn(directory)).toEqual([
      "audit.1.jsonl",
      "audit.2.jsonl",
      "audit.3.jsonl",
      "audit.jsonl",
    ]);
    const verified = await verifyAuditLog(directory, { keys: [keyOf("k")] });
    expect(verified).toMatchObject({
      bad: undefined,
      files: ["audit.3.jsonl", "audit.2.jsonl", "audit.1.jsonl", "audit.jsonl"],
    });
    expect(verified.first!.sequence).toBeGreaterThan(80);
  });
});

test("a flush does not wait for what is recorded behind it, however much comes", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory, { waitMs: 1_000 });
    let isFlooded = true;
    const flood = (count: number): void => {
      for (let index = 0; index < 50; index++) void log.record(call(count + index))?.catch(() => undefined);
      if (isFlooded) setImmediate(flood, count + 50);
    };
    flood(1);
    try {
      for (let times = 0; times < 3; times++) await log.flush();
    } finally {
      isFlooded = false;
    }
    await log.close();
  });
});

test("a flush resolves with the last line when it is on the disk", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory, { batchMs: 100_000 });
    expect(log.record(call(1))).toBeUndefined();
    const head = await log.flush();
    expect(head.sequence).toBe(2);
    expect(log.head()).toEqual(head);
    expect((await readFile(join(directory, "audit.jsonl"), "utf8")).split("\n")).toHaveLength(3);
    expect(await verifyAuditLog(directory, { remembered: head })).toMatchObject({
      bad: undefined,
      last: head,
    });
    await log.close();
  });
});

test("times never go back, also where a file begins between two lines", async () => {
  await withTemporaryDirectory(async (directory) => {
    let now = Date.UTC(2026, 0, 1);
    const log = await openAuditLog({
      ...{ directory, randomBytes, clock: () => (now += 1_000) },
      ...{ log: { info: () => undefined, warn: () => undefined }, limits: { fileBytes: 1_000, files: 9 } },
    });
    for (let number = 1; number <= 10; number += 1) void log.record(call(number));
    await log.close();
    const [current = "", ...rotated] = (await filesIn(directory)).toReversed();
    const names = [...rotated, current];
    const lines = (await Promise.all(names.map((name) => linesOf(directory, name)))).flat();
    const times = lines.map((line) => (JSON.parse(line) as { time: string }).time);
    expect(names.length).toBeGreaterThan(3);
    expect(lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual(
      lines.map((_, at) => at + 1),
    );
    expect(times).toEqual(times.toSorted());
  });
});

test("an entry that cannot be made is counted and told of, and the chain goes on", async () => {
  await withTemporaryDirectory(async (directory) => {
    const said: string[] = [];
    const log = await openLogIn(directory, {}, { info: () => undefined, warn: (_, text) => said.push(text) });
    const failing = {
      entry: () => {
        throw new Error("defect");
      },
      members: () => {
        throw new Error("defect");
      },
    };
    log.useKey(keyOf("k"));
    void log.record(call(1));
    void log.record(new UnmadeEntry(failing, "proxy", { decision: "allow" }, undefined));
    void log.record(call(2));
    await log.flush();
    expect(log.state().lostEntries).toBe(1);
    await log.close();
    expect(said).toContain("an audit entry could not be made");
    const lines = (await linesOf(directory)).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ action }) => action)).toEqual(["audit.file", "proxy", "audit.lost", "proxy"]);
    expect((await verifyAuditLog(directory, { keys: [keyOf("k")] })).bad).toBeUndefined();
  });
});

test("what was recorded is masked by what was known then, if it is sealed before that is forgotten", async () => {
  await withTemporaryDirectory(async (directory) => {
    let secret: string | undefined = "S3cret-0123456789";
    const maker = createLineMaker((text) => (secret === undefined ? text : text.replaceAll(secret, "***")));
    const log = await openLogIn(directory);
    log.useKey(keyOf("k"));
    void log.record(new UnmadeEntry(maker, "proxy", { path: `/${secret}`, decision: "allow" }, undefined));
    log.seal();
    secret = undefined;
    await log.close();
    expect((await linesOf(directory)).at(-1)).toContain('"path":"/***"');
  });
});

test("lines that come while others are written wait for more of them", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory, { batchMs: 40 });
    const other = await open(join(directory, "other"), "w");
    const write = vi.spyOn(Object.getPrototypeOf(other) as FileHandle, "write");
    await other.close();
    try {
      const from = performance.now();
      let number = 0;
      // On a busy machine a write takes longer, and the time that counts is what went by.
      for (; performance.now() - from < 400 || write.mock.calls.length < 2; number += 1) {
        void log.record(call(number));
        await new Promise(setImmediate);
      }
      expect(number).toBeGreaterThan(64 * 4);
      const batches = (performance.now() - from) / 40;
      const fullBatches = Math.ceil(log.state().fileBytes / (AUDIT_LIMITS.batchBytes / 2));
      expect(write.mock.calls.length).toBeLessThanOrEqual(batches + fullBatches);
    } finally {
      write.mockRestore();
      await log.close();
    }
  });
});
