import { appendFile, readFile, writeFile, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openRegularFile } from "../vault/durable-file.js";
import { withTemporaryDirectory } from "../vault/testing/temporary-vault.js";
import { queryAudit, type AuditQuery, type RecordedEntry } from "./audit-query.js";
import { piecesBackward } from "./backward-lines.js";

import { linesForward } from "./forward-lines.js";
import { jsonMembers } from "./json-members.js";
import { openLog, type OpenLogFile } from "./open-log.js";
import { sealedText } from "./testing/sealed-text.js";
import { call, keyOf, make, openLogIn } from "./testing/written-log.js";

async function pages(directory: string, query: AuditQuery, scanned?: number): Promise<RecordedEntry[]> {
  const all: RecordedEntry[] = [];
  let before = query.before;
  do {
    const page = await queryAudit(directory, { ...query, before }, { scannedBytes: scanned });
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

test("a page costs no more in a log that is much longer, wherever it is", async () => {
  const costs: number[] = [];
  for (const lines of [2_000, 40_000]) {
    await withTemporaryDirectory(async (directory) => {
      const log = await openLogIn(directory, {
        fileBytes: 4_000_000,
        queueBytes: 64_000_000,
        queueLines: 50_000,
      });
      log.useKey(keyOf("k"));
      for (let number = 1; number <= lines; number += 1) void log.record(call(number));
      await log.close();
      let read = 0;
      const open = async (): Promise<readonly OpenLogFile[]> =>
        (await openLog(directory)).map((file) => ({
          ...file,
          handle: counted(file, (bytes) => (read += bytes)),
        }));
      for (const before of [3, Math.floor(lines / 2), lines - 5]) {
        read = 0;
        const { entries } = await queryAudit(directory, { limit: 20, before }, { open });
        expect(numbers(entries)[0]).toBe(before - 1);
        costs.push(read);
      }
    });
  }
  // A block and a half, a block at most that is halved no more, and short looks.
  expect(Math.max(...costs)).toBeLessThan(300_000);
});

function counted({ handle }: OpenLogFile, onRead: (bytes: number) => void): FileHandle {
  return new Proxy(handle, {
    get(target, name) {
      if (name === "close") return () => target.close();
      return async (buffer: Buffer, offset: number, length: number, position: number) => {
        const result = await target.read(buffer, offset, length, position);
        onRead(result.bytesRead);
        return result;
      };
    },
  });
}

test("whatever lines there are, in whatever files, the lines before any of them are found", async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(
      sizes,
      fc.integer({ min: 1, max: 200_000 }),
      fc.nat(70),
      async (texts, fileBytes, before) =>
        withTemporaryDirectory(async (directory) => {
          const log = await openLogIn(directory, { fileBytes });
          log.useKey(keyOf("k"));
          for (const size of texts) void log.record({ ...call(1), justification: "x".repeat(size) });
          await log.close();
          const all = (await pages(directory, { limit: 1_000 })).filter(({ seq }) => seq < before);
          const { entries } = await queryAudit(directory, { limit: 1_000, before });
          expect(numbers(entries)).toEqual(numbers(all));
        }),
    ),
    { numRuns: 40 },
  );
});

test("an entry of what only an unlocked vault does, without its MAC, says so", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory);
    void log.record(make("server.start", { decision: "allow" }));
    log.useKey(keyOf("k"));
    void log.record(call(1));
    log.useKey(keyOf("z"));
    void log.record(call(2));
    log.useKey(keyOf("k"));
    const { sequence, hash } = await log.flush();
    await log.close();
    const forged = sealedText(
      { sequence, hash },
      `"time":"x",${jsonMembers(call(3))},"unverified":false`,
      undefined,
    );
    await appendFile(join(directory, "audit.jsonl"), forged.text);
    const { entries } = await queryAudit(directory, { limit: 10 }, { keys: [keyOf("k")] });
    expect(entries.map(({ unverified }) => unverified)).toEqual([
      true,
      true,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
