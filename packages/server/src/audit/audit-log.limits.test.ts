import { mkdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { withTemporaryDirectory } from "../vault/testing/temporary-vault.js";
import type { AuditLimits } from "./audit-limits.js";
import type { AuditLog } from "./audit-log.js";
import { call, keyOf, linesOf, openLogIn } from "./testing/written-log.js";
import { verifyAuditLog } from "./verify-log.js";

/** More than any test writes behind a file that is full. */
const FULL_BYTES = 4_000;
const UNAVAILABLE = { code: "audit_unavailable" };

const all = async (waiting: readonly (Promise<void> | undefined)[]): Promise<void> => {
  for (const entry of waiting) await entry;
};

/** A log whose file is full, and whose directory is away until `mend`, so that it cannot go on to the next one. */
async function withStuckLog(
  limits: Partial<AuditLimits>,
  use: (log: AuditLog, mend: () => Promise<void>, directory: string, said: string[]) => Promise<void>,
): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const said: string[] = [];
    const log = await openLogIn(
      directory,
      { fileBytes: FULL_BYTES, files: 2, retryMs: 10, waitMs: 60, ...limits },
      { info: (_, text) => said.push(text), warn: (_, text) => said.push(text) },
    );
    while ((await stat(join(directory, "audit.jsonl"))).size < FULL_BYTES) {
      void log.record(call(0));
      await log.flush();
    }
    // Until it has seen that its file is still there.
    await delay(50);
    const away = `${directory}.away`;
    await rename(directory, away);
    await use(log, () => rename(away, directory), directory, said);
    await log.close();
  });
}

test("while the disk takes nothing, entries are kept up to the bound, then wait, then are refused", async () => {
  await withStuckLog({ queueLines: 5, waitMs: 500 }, async (log, mend, directory, said) => {
    const full = log.head();
    log.useKey(keyOf("k"));
    // The header of the file that is due, and four calls.
    for (let number = 1; number <= 4; number += 1) {
      expect(log.ready()).toBeUndefined();
      expect(log.record(call(number))).toBeUndefined();
    }
    await Promise.all([
      expect(log.ready()).rejects.toMatchObject(UNAVAILABLE),
      expect(log.record(call(5))).rejects.toMatchObject(UNAVAILABLE),
      expect(log.flush()).rejects.toMatchObject(UNAVAILABLE),
    ]);
    expect(log.head()).toEqual(full);

    const waiting = [log.ready(), log.record(call(6))];
    await mend();
    await all(waiting);
    await log.flush();
    expect(said).toEqual(["the audit log cannot be written", "the audit log is written again"]);
    const lines = (await linesOf(directory)).map((line) => JSON.parse(line) as Record<string, unknown>);
    const shown = lines.map(({ action, path }) => path ?? action);
    // What was told that there is no room was done all the same.
    expect(shown.slice(-2)).toEqual(["/repos/acme/5?page=***", "/repos/acme/6?page=***"]);
    expect(log.state().lostEntries).toBe(0);
    expect(await verifyAuditLog(directory, { keys: [keyOf("k")] })).toMatchObject({ bad: undefined });
  });
});

test("the bound in bytes holds as the one in lines does", async () => {
  await withStuckLog({ queueBytes: 700 }, async (log, mend) => {
    expect(log.record(call(1))).toBeUndefined();
    expect(log.record(call(2))).toBeUndefined();
    await expect(log.record(call(3))).rejects.toMatchObject(UNAVAILABLE);
    await mend();
  });
});

test("no more than so many entries wait for room: the log says how many it has lost", async () => {
  await withStuckLog({ queueLines: 2, waitingEntries: 2, waitMs: 5_000 }, async (log, mend, directory) => {
    expect(log.record(call(1))).toBeUndefined();
    const waiting = [log.record(call(2)), log.record(call(3))];
    for (const number of [4, 5]) await expect(log.record(call(number))).rejects.toMatchObject(UNAVAILABLE);
    await mend();
    await all(waiting);
    for (const number of [6, 7]) void log.record(call(number));
    await log.flush();
    const lines = (await linesOf(directory)).map((line) => JSON.parse(line) as Record<string, unknown>);
    const told = lines.filter(({ action }) => action === "audit.lost");
    expect(told).toMatchObject([{ entries: 2 }]);
    expect(log.state().lostEntries).toBe(2);
  });
});

test("entries that waited longer than anybody waits for them are on the disk when the log is closed", async () => {
  await withStuckLog({ queueLines: 2, waitMs: 200 }, async (log, mend, directory) => {
    void log.record(call(1));
    for (const number of [2, 3, 4, 5])
      await expect(log.record(call(number))).rejects.toMatchObject(UNAVAILABLE);
    await mend();
    await log.close();
    const lines = await linesOf(directory);
    expect(lines.join().match(/acme\/[1-9]/g)).toEqual([1, 2, 3, 4, 5].map((number) => `acme/${number}`));
  });
});

test("entries that wait are recorded in their order", async () => {
  await withStuckLog({ queueLines: 2, waitMs: 5_000 }, async (log, mend, directory) => {
    void log.record(call(1));
    const waiting = [2, 3, 4, 5, 6].map((number) => log.record(call(number)));
    await mend();
    await all(waiting);
    await log.flush();
    const lines = await linesOf(directory);
    expect(lines.join().match(/acme\/\d/g)).toEqual([1, 2, 3, 4, 5, 6].map((number) => `acme/${number}`));
    expect((await verifyAuditLog(directory, {})).bad).toBeUndefined();
  });
});

test("a log that is closed takes nothing more, and what waited is told so", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory);
    await log.close();
    await log.close();
    await expect(log.record(call(1))).rejects.toMatchObject(UNAVAILABLE);
    await expect(log.ready()).rejects.toMatchObject(UNAVAILABLE);
    await expect(log.flush()).rejects.toMatchObject(UNAVAILABLE);
  });
  await withStuckLog({ queueLines: 2 }, async (log, mend) => {
    void log.record(call(1));
    const waiting = expect(log.record(call(2))).rejects.toMatchObject(UNAVAILABLE);
    await log.close();
    await waiting;
    expect(log.state().lostEntries).toBe(1);
    await mend();
  });
});

test("a burst of 10,000 entries is taken without one of them waiting, and is all on the disk after a flush", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory, { batchMs: 100 });
    log.useKey(keyOf("k"));
    for (let number = 1; number < 10_000; number += 1) expect(log.record(call(number))).toBeUndefined();
    expect((await log.flush()).sequence).toBe(10_000);
    await log.close();
    const verified = await verifyAuditLog(directory, { keys: [keyOf("k")] });
    expect(verified).toMatchObject({ bad: undefined, lines: 10_000, authenticated: 9_999 });
  });
});

test("an old file that cannot be removed stops nothing", async () => {
  await withTemporaryDirectory(async (directory) => {
    const said: string[] = [];
    const limits = { fileBytes: 1_000, files: 2 };
    const log = await openLogIn(directory, limits, {
      info: () => undefined,
      warn: (_, text) => said.push(text),
    });
    await mkdir(join(directory, "audit.7.jsonl"));
    for (let number = 0; number < 30; number += 1) void log.record(call(number));
    await log.flush();
    await log.close();
    expect(said).toContain("the oldest audit log could not be removed");
    expect((await linesOf(directory)).join()).toContain("acme/29");
  });
});

test("who waited for room only leaves its place when told that there is none, and loses no entry", async () => {
  await withStuckLog({ queueLines: 2, waitingEntries: 1, waitMs: 100 }, async (log, mend, directory) => {
    expect(log.record(call(1))).toBeUndefined();
    const first = expect(log.ready()).rejects.toMatchObject(UNAVAILABLE);
    await expect(log.ready()).rejects.toMatchObject(UNAVAILABLE);
    await first;
    await expect(log.record(call(2))).rejects.toMatchObject(UNAVAILABLE);
    expect(log.state().lostEntries).toBe(0);
    await mend();
    await log.flush();
    expect((await linesOf(directory)).join()).toContain("acme/2");
  });
});

test("a batch that is full is written at once, and what is recorded is counted before it is", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory, { batchMs: 60_000, batchBytes: 1_000 });
    void log.record(call(1));
    // With the header of the file.
    expect(log.state()).toMatchObject({ queuedLines: 2, writtenLines: 0 });
    for (let number = 2; number <= 10; number += 1) void log.record(call(number));
    log.state();
    void log.record(call(11));
    await expect.poll(async () => (await linesOf(directory)).length).toBeGreaterThan(8);
    await log.close();
  });
});

test("the last line that is known to be on the disk is that of the earlier run, until there is another", async () => {
  await withTemporaryDirectory(async (directory) => {
    const first = await openLogIn(directory);
    void first.record(call(1));
    const end = await first.flush();
    await first.close();
    const second = await openLogIn(directory);
    expect(second.head()).toEqual(end);
    await second.close();
  });
});
