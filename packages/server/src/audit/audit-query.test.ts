import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openRegularFile } from "../vault/durable-file.js";
import { withTemporaryDirectory } from "../vault/testing/temporary-vault.js";
import { queryAudit, type AuditQuery, type RecordedEntry } from "./audit-query.js";
import { followAudit, readAudit } from "./audit-reader.js";
import { piecesBackward } from "./backward-lines.js";
import { linesForward } from "./forward-lines.js";
import { call, keyOf, make, openLogIn } from "./testing/written-log.js";

async function pages(directory: string, query: AuditQuery, scanned?: number): Promise<RecordedEntry[]> {
  const all: RecordedEntry[] = [];
  let before = query.before;
  do {
    const page = await queryAudit(directory, { ...query, before }, scanned);
    all.push(...page.entries);
    before = page.next;
  } while (before !== undefined);
  return all;
}

const numbers = (entries: readonly RecordedEntry[]): number[] => entries.map(({ seq }) => seq);

test("entries are found newest first over all files, page by page, by each filter", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory, { fileBytes: 3_000 });
    log.useKey(keyOf("k"));
    for (let number = 1; number <= 30; number += 1) void log.record(call(number));
    void log.record(
      make("ssh.exec", { service: "prod", token: "tok_zzzzzzzz", decision: "deny" }, { command: "ls" }),
    );
    await log.close();

    const all = await pages(directory, { limit: 7 });
    expect(numbers(all)).toEqual(numbers(all).toSorted((a, b) => b - a));
    expect(all).toHaveLength(all[0]!.seq);
    expect(all[0]).toMatchObject({ action: "ssh.exec", details: { command: "ls" } });
    expect(all[0]).not.toHaveProperty("prev");
    expect(await pages(directory, { limit: 1_000 }, 1)).toEqual(all);

    const github = all.filter(({ service }) => service === "github");
    expect(github).toHaveLength(30);
    expect(await pages(directory, { limit: 4, service: "github" })).toEqual(github);
    expect(await pages(directory, { limit: 50, token: "tok_abcd..." })).toEqual(github);
    expect(await pages(directory, { limit: 50, token: `tok_abcdefgh${"i".repeat(35)}` })).toEqual(github);
    expect(await pages(directory, { limit: 50, action: "proxy" })).toEqual(github);
    expect(await pages(directory, { limit: 50, action: "ssh" })).toEqual([all[0]]);
    expect(await pages(directory, { limit: 50, decision: "deny" })).toEqual([all[0]]);
    expect(await pages(directory, { limit: 50, before: 3 })).toEqual(all.slice(-2));
    expect(await pages(directory, { limit: 50, since: Date.now() + 1_000 })).toEqual([]);
    expect(await pages(directory, { limit: 50, since: Date.parse(all[5]!.time) })).toEqual(
      all.filter(({ time }) => time >= all[5]!.time),
    );

    const read: RecordedEntry[] = [];
    for await (const entry of readAudit(directory)) read.push(entry);
    expect(read).toEqual(all.toReversed());
  });
});

test("what is recorded is followed over rotations", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory, { fileBytes: 2_000 });
    log.useKey(keyOf("k"));
    void log.record(call(0));
    await log.flush();
    const stop = new AbortController();
    const seen: unknown[] = [];
    const following = (async () => {
      for await (const { path } of followAudit(directory, {
        action: "proxy",
        signal: stop.signal,
        intervalMs: 5,
      })) {
        seen.push(path);
        if (seen.length === 40) stop.abort();
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (let number = 1; number <= 40; number += 1) {
      void log.record(call(number));
      await log.flush();
    }
    await following;
    await log.close();
    expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => `/repos/acme/${index + 1}?page=***`));
  });
});

test("a line that is being written, and lines of something else, are passed over", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory);
    log.useKey(keyOf("k"));
    void log.record(call(1));
    await log.close();
    await appendFile(join(directory, "audit.jsonl"), 'nothing\n{"seq":9,"ti');
    expect(numbers((await queryAudit(directory, { limit: 10 })).entries)).toEqual([2, 1]);
  });
});

test("a file is read alike in blocks of any size, forwards and backwards", async () => {
  await withTemporaryDirectory(async (directory) => {
    const path = join(directory, "x");
    await fc.assert(
      fc.asyncProperty(
        fc.stringMatching(/^[ab\n]{0,40}$/),
        fc.integer({ min: 1, max: 12 }),
        async (text, blockBytes) => {
          await writeFile(path, text);
          const handle = (await openRegularFile(path))!;
          const backward: string[] = [];
          for await (const { bytes, start } of piecesBackward(handle, text.length, blockBytes)) {
            expect(text.slice(start, start + bytes.length)).toBe(bytes.toString());
            backward.unshift(bytes.toString());
          }
          expect(backward).toEqual(text.split("\n"));

          const forward: string[] = [];
          const range = { start: 0, end: text.length, blockBytes, maxLineBytes: 1_000 };
          for await (const { bytes, isComplete, next } of linesForward(handle, range)) {
            forward.push(bytes.toString() + (isComplete ? "\n" : ""));
            expect(next).toBe(forward.join("").length);
          }
          expect(forward.join("")).toBe(text);
          await handle.close();
        },
      ),
      { numRuns: 300 },
    );
    expect(await readFile(path)).toBeDefined();
  });
});
