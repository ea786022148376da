import { appendFile, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { withTemporaryDirectory } from "../vault/testing/temporary-vault.js";
import { parseLine } from "./chain.js";
import { jsonMembers } from "./json-members.js";
import { readLogTail } from "./log-tail.js";
import { sealedText } from "./testing/sealed-text.js";
import { call, filesIn, keyOf, linesOf, make, openLogIn, putLines, writeLog } from "./testing/written-log.js";
import { verifyAuditLog } from "./verify-log.js";

const KEYS = [keyOf("k")];

test("a last line torn at any byte is taken off, told of in a line of its own, and the log goes on", async () => {
  await withTemporaryDirectory(async (directory) => {
    await writeLog(directory, 2);
    const path = join(directory, "audit.jsonl");
    const whole = await readFile(path);
    const lastStart = whole.lastIndexOf("\n", whole.length - 2) + 1;
    for (let cut = lastStart + 1; cut < whole.length; cut += 1) {
      await writeFile(path, whole.subarray(0, cut));
      const tail = await readLogTail(directory);
      expect(tail).toMatchObject({ wholeBytes: lastStart, end: { sequence: 4 }, isDamaged: false });
      expect(tail.torn).toEqual(whole.subarray(lastStart, cut));
      // What follows from that waits for the disk several times.
      if (cut % 20 !== 0 && cut < whole.length - 1) continue;
      await (await openLogIn(directory)).close();
      const fields = JSON.parse((await linesOf(directory)).at(-1)!) as Record<string, unknown>;
      expect(fields).toMatchObject({
        ...{ action: "audit.torn", bytes: cut - lastStart },
      });
      expect(fields).not.toHaveProperty("text");
      const verified = await verifyAuditLog(directory, { keys: KEYS });
      expect(verified).toMatchObject({ bad: undefined, torn: undefined, lines: 5 });
    }
  });
});

test("a torn header is written anew", async () => {
  await withTemporaryDirectory(async (directory) => {
    await (await openLogIn(directory)).close();
    const path = join(directory, "audit.jsonl");
    const whole = await readFile(path);
    for (let cut = 0; cut < whole.length; cut += 7) {
      await writeFile(path, whole.subarray(0, cut));
      await (await openLogIn(directory)).close();
      const verified = await verifyAuditLog(directory, {});
      expect(verified).toMatchObject({ bad: undefined, torn: undefined, lines: cut === 0 ? 1 : 2 });
    }
  });
});

test("a crash between the files of a rotation loses nothing", async () => {
  await withTemporaryDirectory(async (directory) => {
    const limits = { fileBytes: 2_000 };
    await writeLog(directory, 10, limits);
    const before = await verifyAuditLog(directory, {});
    await rm(join(directory, "audit.jsonl"));
    await writeLog(directory, 1, limits);
    const verified = await verifyAuditLog(directory, {});
    expect(verified.bad).toBeUndefined();
    // What was in the file that is gone is what a whole log's verification without memory cannot know of.
    expect(verified.last!.sequence).toBeLessThan(before.last!.sequence + 4);
  });
});

test("a log whose last line was changed by something else is gone on with, and its first bad line is named", async () => {
  await withTemporaryDirectory(async (directory) => {
    await writeLog(directory, 3);
    const lines = await linesOf(directory);
    lines[5] = "something else";
    await putLines(directory, lines);
    const warnings: string[] = [];
    const log = await openLogIn(
      directory,
      {},
      { info: () => undefined, warn: (_, text) => warnings.push(text) },
    );
    void log.record(call(9));
    await log.close();
    expect(warnings.join()).toContain("audit verify");
    expect(JSON.parse((await linesOf(directory)).at(-1)!)).toMatchObject({
      seq: 7,
      path: "/repos/acme/9?page=***",
    });
    expect((await verifyAuditLog(directory, {})).bad).toMatchObject({ line: 6, problem: "unreadable" });
  });
});

test("a link in the place of the log is refused", async () => {
  await withTemporaryDirectory(async (directory) => {
    await writeFile(join(directory, "target"), "");
    await symlink(join(directory, "target"), join(directory, "audit.jsonl"));
    const opening = openLogIn(directory);
    await expect(opening).rejects.toThrow(VaultProxyError);
    await expect(opening).rejects.toMatchObject({ code: "storage_failed" });
    expect(await readFile(join(directory, "target"), "utf8")).toBe("");
  });
});

test("a log that is moved away under the server goes on in a new file, whose header continues the chain", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory);
    void log.record(call(1));
    await log.flush();
    const moved = await readFile(join(directory, "audit.jsonl"));
    await rm(join(directory, "audit.jsonl"));
    await log.flush();
    void log.record(call(2));
    await log.flush();
    await log.close();
    expect(await filesIn(directory)).toEqual(["audit.jsonl"]);
    const verified = await verifyAuditLog(directory, {});
    expect(verified).toMatchObject({ lines: 2, bad: { problem: "older_missing" } });
    await writeFile(join(directory, "audit.1.jsonl"), moved);
    expect(await verifyAuditLog(directory, {})).toMatchObject({ bad: undefined, lines: 4 });
  });
});

test("at an unlock the log says if lines that the vault remembers are gone, and its verification shows that for good", async () => {
  await withTemporaryDirectory(async (directory) => {
    await writeLog(directory, 3);
    const first = await openLogIn(directory);
    const remembered = await first.flush();
    await first.close();
    const lines = await linesOf(directory);
    await putLines(directory, lines.slice(0, -2));

    const log = await openLogIn(directory);
    log.useKey(keyOf("k"));
    expect(await log.recall(remembered, KEYS)).toBe(false);
    for (let number = 0; number < 5; number += 1) void log.record(call(number));
    const head = await log.flush();
    expect(await log.recall(head, KEYS)).toBe(true);
    await log.close();
    // The vault has forgotten the old head by now.
    const known = { keys: KEYS, remembered: head };
    expect((await verifyAuditLog(directory, known)).bad).toMatchObject({ line: 5, problem: "cut_off" });
    expect(await verifyAuditLog(directory, { ...known, from: 6 })).toMatchObject({
      bad: undefined,
      lines: 5,
    });
  });
});

test("at an unlock the log says if lines behind the one that the vault remembers are none of its own, for good", async () => {
  await withTemporaryDirectory(async (directory) => {
    await writeLog(directory, 3);
    const first = await openLogIn(directory);
    const remembered = await first.flush();
    void first.record(make("server.start", { decision: "allow" }));
    await first.close();
    const before = await linesOf(directory);
    const { end } = parseLine(Buffer.from(before.at(-1)!))!;
    const { text } = sealedText(end, jsonMembers(call(9)), undefined);
    await appendFile(join(directory, "audit.jsonl"), text);

    const log = await openLogIn(directory);
    void log.record(make("server.start", { decision: "allow" }));
    log.useKey(keyOf("k"));
    expect(await log.recall(remembered, KEYS)).toBe(false);
    const head = await log.flush();
    expect(await log.recall(head, KEYS)).toBe(true);
    await log.close();
    const line = (await linesOf(directory)).length;
    expect(JSON.parse((await linesOf(directory)).at(-1)!)).toMatchObject({
      ...{ action: "audit.tampered", problem: "mac_missing", behind: before.length },
    });
    const known = { keys: KEYS, remembered: head };
    expect((await verifyAuditLog(directory, known)).bad).toMatchObject({ problem: "mac_missing" });
    expect((await verifyAuditLog(directory, { ...known, from: line })).bad).toMatchObject({
      ...{ line, problem: "tampered" },
    });
  });
});

test("a log from before the first unlock is judged whole, over its files, and one that is as written is remembered", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory, { fileBytes: 2_000 });
    for (let number = 0; number < 30; number += 1) void log.record(make("unlock", { decision: "deny" }));
    log.useKey(keyOf("k"));
    expect(await log.recall(undefined, KEYS)).toBe(true);
    void log.record(call(1));
    expect(await log.recall(undefined, [keyOf("z")])).toBe(false);
    await log.close();
    expect((await filesIn(directory)).length).toBeGreaterThan(2);
  });
});

test("a head of another log is not recalled", async () => {
  await withTemporaryDirectory(async (directory) => {
    await writeLog(directory, 3);
    const log = await openLogIn(directory);
    const head = await log.flush();
    expect(await log.recall({ ...head, hash: "B".repeat(43) }, KEYS)).toBe(false);
    await log.close();
  });
});

test("whole lines behind which somebody wrote are still a log up to there", async () => {
  await withTemporaryDirectory(async (directory) => {
    await writeLog(directory, 3);
    await appendFile(join(directory, "audit.jsonl"), '{"seq":');
    expect(await verifyAuditLog(directory, {})).toMatchObject({
      bad: undefined,
      lines: 6,
      torn: { line: 7 },
    });
    await truncate(join(directory, "audit.jsonl"), 0);
    expect((await verifyAuditLog(directory, {})).lines).toBe(0);
  });
});
