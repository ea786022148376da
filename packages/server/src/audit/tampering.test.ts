import { copyFile, mkdtemp, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tmpdir } from "node:os";
import { withTemporaryDirectory } from "../vault/testing/temporary-vault.js";
import type { AuditEntry } from "./audit-entry.js";
import type { AuditKey } from "./audit-key.js";
import { CHAIN_START, parseLine, type ChainEnd } from "./chain.js";
import { jsonMembers } from "./json-members.js";
import { sealedText } from "./testing/sealed-text.js";
import { call, keyOf, linesOf, make, openLogIn, putLines, writeLog } from "./testing/written-log.js";
import { createVerifier, type BadLine } from "./verifier.js";
import { verifyAuditLog } from "./verify-log.js";

const KEYS = [keyOf("k")];
/** Three lines before the vault is unlocked (header, start, wrong password), 20 calls and more behind it. */
const LOCKED_LINES = 3;

let original: string;
let head: ChainEnd;

/** A log of several files: 1 the older, the current one the younger. */
beforeAll(async () => {
  original = await mkdtemp(join(tmpdir(), "vault-proxy-"));
  const log = await openLogIn(original, { fileBytes: 9_000 });
  void log.record(make("server.start", { decision: "allow" }));
  void log.record(make("unlock", { decision: "deny", code: "unauthorized" }));
  log.useKey(keyOf("k"));
  void log.record(make("unlock", { decision: "allow" }));
  for (let number = 1; number <= 40; number += 1) void log.record(call(number));
  head = await log.flush();
  await log.close();
});
afterAll(() => rm(original, { recursive: true }));

type Tamper = (directory: string, lines: string[]) => Promise<void> | void;

/** Applies a change to the lines of the newest file, or to the directory, and verifies the whole. */
async function verifyAfter(
  tamper: Tamper,
  known: { keys?: AuditKey[]; remembered?: ChainEnd },
): Promise<BadLine | undefined> {
  return withTemporaryDirectory(async (directory) => {
    for (const name of ["audit.1.jsonl", "audit.jsonl"])
      await copyFile(join(original, name), join(directory, name));
    const lines = await linesOf(directory);
    const before = lines.join();
    await tamper(directory, lines);
    if (lines.join() !== before) await putLines(directory, lines);
    return (await verifyAuditLog(directory, known)).bad;
  });
}

const edited = (line: string): string => line.replace('"status":200', '"status":204');

/** Seals the fields of lines anew behind `end`, as somebody does who has no key. */
function resealed(lines: readonly string[], end: ChainEnd): string[] {
  let last = end;
  return lines.map((line) => {
    const members = line.replace(/^\{"seq":\d+,/, "").replace(/,"prev":.*$/, "");
    const { text, end: next } = sealedText(last, members, undefined);
    last = next;
    return text.slice(0, -1);
  });
}
const endOf = (line: string): ChainEnd => parseLine(Buffer.from(line))!.end;

test("the log as it was written verifies", async () => {
  expect(await verifyAfter(() => undefined, { keys: KEYS, remembered: head })).toBeUndefined();
});

describe("by the chain alone is found", () => {
  test.each<[string, Tamper, Partial<BadLine>]>([
    ["an edited line", (_, lines) => void (lines[4] = edited(lines[4]!)), { line: 5, problem: "changed" }],
    ["a deleted line", (_, lines) => void lines.splice(4, 1), { line: 5, problem: "missing_lines" }],
    [
      "two swapped lines",
      (_, lines) => void lines.splice(4, 2, lines[5]!, lines[4]!),
      { line: 5, problem: "missing_lines" },
    ],
    [
      "a line given twice",
      (_, lines) => void lines.splice(5, 0, lines[4]!),
      { line: 6, problem: "out_of_order" },
    ],
    [
      "a line put in",
      (_, lines) => void lines.splice(5, 0, ...resealed([lines[8]!], endOf(lines[4]!))),
      { line: 7, problem: "out_of_order" },
    ],
    ["text put in", (_, lines) => void lines.splice(5, 0, "nothing"), { line: 6, problem: "unreadable" }],
    ["an empty line", (_, lines) => void lines.splice(5, 0, ""), { line: 6, problem: "unreadable" }],
    [
      "a line put behind the end with no regard to the chain",
      (_, lines) => void lines.push(lines[4]!),
      { problem: "out_of_order" },
    ],
    ["a file without its header", (_, lines) => void lines.shift(), { line: 1, problem: "no_file_header" }],
    [
      "an older file with another one in its place",
      (directory) => copyFile(join(directory, "audit.jsonl"), join(directory, "audit.1.jsonl")),
      { file: "audit.jsonl", line: 1, problem: "out_of_order" },
    ],
    [
      "an older file that was cut",
      (directory) => truncateLines(directory, "audit.1.jsonl", 10),
      { file: "audit.jsonl", line: 1, problem: "missing_lines" },
    ],
    [
      "an older file written anew",
      async (directory) => {
        const lines = await linesOf(directory, "audit.1.jsonl");
        await putLines(directory, resealed(lines.map(edited), CHAIN_START), "audit.1.jsonl");
      },
      { file: "audit.1.jsonl", problem: "changed" },
    ],
    [
      "an older file that is gone",
      (directory) => rm(join(directory, "audit.1.jsonl")),
      { line: 1, problem: "older_missing" },
    ],
    [
      "an older file that was torn in the middle of a line",
      async (directory) =>
        truncate(
          join(directory, "audit.1.jsonl"),
          (await readFile(join(directory, "audit.1.jsonl"))).length - 20,
        ),
      { file: "audit.1.jsonl", problem: "unreadable" },
    ],
    [
      "files that changed their places",
      async (directory) => {
        await rename(join(directory, "audit.1.jsonl"), join(directory, "x"));
        await rename(join(directory, "audit.jsonl"), join(directory, "audit.1.jsonl"));
        await rename(join(directory, "x"), join(directory, "audit.jsonl"));
      },
      { file: "audit.jsonl", line: 1, problem: "out_of_order" },
    ],
  ])("%s", async (_, tamper, expected) => {
    expect(await verifyAfter(tamper, {})).toMatchObject(expected);
  });
});

async function truncateLines(directory: string, name: string, kept: number): Promise<void> {
  await putLines(directory, (await linesOf(directory, name)).slice(0, kept), name);
}

describe("by the key is found, where the chain was made good again,", () => {
  test.each<[string, Tamper, Partial<BadLine>]>([
    [
      "an edited line with its MAC, and what is behind it sealed anew without one",
      (_, lines) =>
        void lines.splice(4, 99, ...resealed([edited(lines[4]!), ...lines.slice(5)], endOf(lines[3]!))),
      { line: 5, problem: "mac_missing" },
    ],
    ["an edited last line", (_, lines) => void lines.push(edited(lines.pop()!)), { problem: "mac_wrong" }],
    [
      "a line behind the end",
      (_, lines) => void lines.push(...resealed([lines[4]!], endOf(lines.at(-1)!))),
      { problem: "mac_missing" },
    ],
    [
      "a line behind the end with the MAC of another one",
      (_, lines) => {
        const [bare] = resealed([lines[4]!], endOf(lines.at(-1)!));
        lines.push(`${bare!.slice(0, -1)},${/"mac":.*$/.exec(lines[4]!)![0]}`);
      },
      { problem: "mac_wrong" },
    ],
    [
      "a line behind the end with a MAC of another key",
      (_, lines) =>
        void lines.push(sealedText(endOf(lines.at(-1)!), '"action":"proxy"', keyOf("z")).text.trim()),
      { problem: "mac_unknown_key" },
    ],
    [
      "the whole log sealed anew without MACs",
      async (directory, lines) => {
        const older = resealed(await linesOf(directory, "audit.1.jsonl"), CHAIN_START);
        await putLines(directory, older, "audit.1.jsonl");
        lines.splice(0, 99, ...resealed(lines, endOf(older.at(-1)!)));
      },
      { file: "audit.1.jsonl", line: LOCKED_LINES + 1, problem: "mac_missing" },
    ],
  ])("%s", async (_, tamper, expected) => {
    expect(await verifyAfter(tamper, { keys: KEYS })).toMatchObject(expected);
  });
});

describe("by what the vault remembers is found", () => {
  test.each<[string, Tamper, Partial<BadLine>]>([
    ["an end that is cut off", (_, lines) => void lines.splice(-2), { problem: "cut_off" }],
    ["the last line that is cut off", (_, lines) => void lines.pop(), { problem: "cut_off" }],
    [
      "a log of which nothing is left",
      async (directory, lines) => {
        await rm(join(directory, "audit.1.jsonl"));
        lines.splice(0, 99);
      },
      { problem: "cut_off" },
    ],
    [
      "a log begun anew that has as many lines",
      async (directory) => {
        for (const name of ["audit.1.jsonl", "audit.jsonl"]) await rm(join(directory, name));
        const log = await openLogIn(directory);
        for (let number = 0; number < 100; number += 1)
          void log.record(make("server.start", { decision: "allow" }));
        await log.close();
      },
      { line: 45, problem: "not_remembered" },
    ],
    [
      "a log that begins behind what the vault remembers",
      async (directory, lines) => {
        await rm(join(directory, "audit.1.jsonl"));
        const members = '"action":"audit.file","format":1,"file":"x","oldest":1000';
        lines.splice(
          0,
          99,
          sealedText({ sequence: 999, hash: CHAIN_START.hash }, members, undefined).text.trim(),
        );
      },
      { line: 1, problem: "not_remembered" },
    ],
  ])("%s", async (_, tamper, expected) => {
    expect(await verifyAfter(tamper, { keys: KEYS, remembered: head })).toMatchObject(expected);
  });
});

test("a torn last line is told apart from tampering, and what the vault remembers says if it was whole once", async () => {
  const tear: Tamper = async (directory) => {
    const path = join(directory, "audit.jsonl");
    await truncate(path, (await readFile(path)).length - 7);
  };
  await withTemporaryDirectory(async (directory) => {
    for (const name of ["audit.1.jsonl", "audit.jsonl"])
      await copyFile(join(original, name), join(directory, name));
    await tear(directory, []);
    const count = (await linesOf(directory)).length;
    expect(await verifyAuditLog(directory, { keys: KEYS })).toMatchObject({
      bad: undefined,
      torn: { file: "audit.jsonl", line: count + 1 },
    });
  });
  expect(await verifyAfter(tear, { keys: KEYS, remembered: head })).toMatchObject({ problem: "cut_off" });
});

test("a file of a later version is not judged", async () => {
  await withTemporaryDirectory(async (directory) => {
    const members = '"action":"audit.file","format":2,"file":"x","oldest":1';
    await writeFile(join(directory, "audit.jsonl"), sealedText(CHAIN_START, members, undefined).text);
    expect((await verifyAuditLog(directory, {})).bad).toMatchObject({ problem: "newer_format" });
  });
});

test("lines of a key that was replaced are refused behind lines of the one that replaced it", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory);
    log.useKey(keyOf("k"));
    void log.record(call(1));
    log.useKey(keyOf("n"));
    void log.record(call(2));
    await log.close();
    const keys = [keyOf("k"), keyOf("n")];
    expect(await verifyAuditLog(directory, { keys })).toMatchObject({ bad: undefined, authenticated: 2 });
    const lines = await linesOf(directory);
    lines.push(sealedText(endOf(lines.at(-1)!), '"action":"proxy"', keyOf("k")).text.trim());
    await putLines(directory, lines);
    expect((await verifyAuditLog(directory, { keys })).bad).toMatchObject({
      line: 4,
      problem: "mac_old_key",
    });
  });
});

describe("while the vault is locked", () => {
  /** Lines that somebody without a key adds behind a stop. */
  const verifyForged = (...entries: AuditEntry[]): Promise<BadLine | undefined> =>
    withTemporaryDirectory(async (directory) => {
      await writeLog(directory, 1);
      const log = await openLogIn(directory);
      log.useKey(keyOf("k"));
      void log.record(make("server.stop", { decision: "allow" }));
      await log.close();
      const lines = await linesOf(directory);
      let end = endOf(lines.at(-1)!);
      for (const entry of entries) {
        const sealed = sealedText(end, jsonMembers(entry), undefined);
        lines.push(sealed.text.trim());
        end = sealed.end;
      }
      await putLines(directory, lines);
      return (await verifyAuditLog(directory, { keys: KEYS })).bad;
    });
  const start = make("server.start", { decision: "allow" });
  const ofNobody = { decision: "deny", client: "127.0.0.1" } as const;

  test.each<[string, AuditEntry]>([
    ["a call that was allowed", call(1)],
    ["a call that the lock ended", { ...call(1), code: "vault_locked" }],
    ["a change by an admin", make("policy.add", { decision: "allow" }, { policy: "x" })],
    ["an unlock that succeeded", make("unlock", { decision: "allow" })],
    ["a lock", make("lock", { decision: "allow" })],
    ["a refusal of a token", make("proxy", { ...ofNobody, token: "tok_abcdefgh", code: "policy_denied" })],
    ["a refusal that names a token", make("proxy", { ...ofNobody, token_name: "bot" })],
    ["a refusal by a rule", make("proxy", { ...ofNobody, rule: "bot/1" })],
  ])("%s was made up", async (_, entry) => {
    expect(await verifyForged(start, entry)).toMatchObject({ line: 7, problem: "mac_missing" });
  });

  test("starts, stops, wrong passwords and refusals are recorded, and nothing of what is unlocked", async () => {
    const known = [
      start,
      make("unlock", { ...ofNobody, code: "unauthorized" }),
      make("request", { ...ofNobody, code: "not_found" }),
      make("proxy", { ...ofNobody, token: "tok_abcdefgh", code: "vault_locked" }),
      make("server.stop", { decision: "allow" }),
    ];
    expect(await verifyForged(...known)).toBeUndefined();
  });
});

test("what a lock ends is recorded behind it with MACs, and lines without one may follow", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory);
    log.useKey(keyOf("k"));
    void log.record(make("unlock", { decision: "allow" }));
    void log.record(make("lock", { decision: "allow" }));
    void log.record({ ...call(1), code: "vault_locked" });
    log.useKey(undefined);
    void log.record(make("unlock", { decision: "deny" }));
    await log.close();
    expect(await verifyAuditLog(directory, { keys: KEYS })).toMatchObject({
      bad: undefined,
      authenticated: 3,
    });
  });
});

test("an entry of an unlocked vault that comes when the key is gone is no false alarm, and passes for nothing", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory);
    void log.record(call(1));
    await log.close();
    expect(JSON.parse((await linesOf(directory)).at(-1)!)).toMatchObject({
      ...{ action: "audit.late", recorded_as: "proxy", path: "/repos/acme/1?page=***" },
    });
    expect((await verifyAuditLog(directory, { keys: KEYS })).bad).toBeUndefined();
  });
});

test("lines behind a lock and behind a new start need no MAC; the next line with one covers them", async () => {
  await withTemporaryDirectory(async (directory) => {
    const log = await openLogIn(directory);
    log.useKey(keyOf("k"));
    void log.record(make("lock", { decision: "allow" }));
    log.useKey(undefined);
    void log.record(make("unlock", { decision: "deny" }));
    await log.flush();
    expect(await verifyAuditLog(directory, { keys: KEYS })).toMatchObject({ bad: undefined, uncovered: 1 });
    log.useKey(keyOf("k"));
    void log.record(make("unlock", { decision: "allow" }));
    log.useKey(undefined);
    void log.record(make("server.start", { decision: "allow" }));
    await log.close();
    expect(await verifyAuditLog(directory, { keys: KEYS })).toMatchObject({
      bad: undefined,
      uncovered: 1,
      lines: 5,
    });
  });
});

describe("for any log, with the key,", () => {
  const first = (lines: readonly Buffer[], keys: readonly AuditKey[] | undefined): BadLine | undefined => {
    const verifier = createVerifier({ keys, remembered: head, isWhole: true });
    for (const [index, bytes] of lines.entries()) {
      const bad = verifier.line(bytes, { file: "x", line: index + 1 });
      if (bad !== undefined) return bad;
    }
    return verifier.end();
  };
  const all = async (): Promise<Buffer[]> =>
    [...(await linesOf(original, "audit.1.jsonl")), ...(await linesOf(original))].map((line) =>
      Buffer.from(line),
    );

  test("any change of a single byte is found, and the line named", async () => {
    const lines = await all();
    expect(first(lines, KEYS)).toBeUndefined();
    fc.assert(
      fc.property(fc.nat(lines.length - 1), fc.nat(), fc.integer({ min: 1, max: 255 }), (index, at, flip) => {
        const changed = Buffer.from(lines[index]!);
        const position = at % changed.length;
        changed[position] = changed[position]! ^ flip;
        const bad = first(lines.with(index, changed), KEYS);
        // Of two neighbours that have no MACs nobody can say which is the false one.
        const named = index < LOCKED_LINES ? [index, index + 1, index + 2] : [index + 1];
        expect(named).toContain(bad?.line);
      }),
      { numRuns: 2_000 },
    );
  });

  test("any lines left out, swapped or given twice are found, without the key as well", async () => {
    const lines = await all();
    const indices = fc.tuple(fc.nat(lines.length - 1), fc.nat(lines.length - 1));
    fc.assert(
      fc.property(indices, fc.boolean(), ([a, b], withKey) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const keys = withKey ? KEYS : undefined;
        expect(first(lines.toSpliced(low, high - low + 1), keys)).toBeDefined();
        expect(first(lines.toSpliced(high, 0, lines[low]!), keys)).toBeDefined();
        if (low !== high)
          expect(first(lines.with(low, lines[high]!).with(high, lines[low]!), keys)).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });
});
