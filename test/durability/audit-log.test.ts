import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEntryMaker, type AuditEntry } from "../../packages/server/src/audit/audit-entry.js";
import { deriveAuditKey, type AuditKey } from "../../packages/server/src/audit/audit-key.js";
import { openAuditLog, type AuditLog } from "../../packages/server/src/audit/audit-log.js";
import { verifyAuditLog } from "../../packages/server/src/audit/verify-log.js";
import { Secret } from "../../packages/server/src/redaction/secret.js";
import { temporaryDirectory } from "../live/processes.js";
import { Mounts } from "./mounts.js";
import { requireSurroundings } from "./surroundings.js";
import { byForm } from "./torture.js";

const WRITER = fileURLToPath(new URL("audit-writer.mjs", import.meta.url));
const KILLS = byForm(8, 100);
/** Rotated every few hundred lines, so that a kill may come between two files too. */
const FILE_BYTES = 100_000;
const LONGEST_LIFE_MS = 400;
const DISK = "64k";
const FILLING_BYTES = 24 * 1024;

const key = (): AuditKey => deriveAuditKey(new Secret(Buffer.alloc(32, "k").toString("base64url")));
const make = createEntryMaker((text) => text);
const entry = (number: number): AuditEntry =>
  make("proxy", {
    service: "api",
    path: `/items/${number}`,
    decision: "allow",
    justification: "x".repeat(300),
  });

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let mounts: Mounts;

beforeEach(async () => {
  directory = await temporaryDirectory();
  mounts = new Mounts(directory.path);
});
afterEach(async () => {
  await mounts.unmountAll();
  await directory.remove();
});

test("a log whose writer was killed verifies up to its last whole line, has all that was flushed, and goes on", async () => {
  let flushed = 0;
  for (let round = 0; round < KILLS; round += 1) {
    const writer = spawn(process.execPath, [WRITER, directory.path, String(FILE_BYTES)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    writer.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    const ended = once(writer, "close");
    await once(writer.stdout, "data");
    await delay((LONGEST_LIFE_MS * round) / KILLS);
    writer.kill("SIGKILL");
    await ended;
    const before = flushed;
    flushed = Number(said.trim().split("\n").at(-1));
    expect(flushed).toBeGreaterThan(before);

    const verified = await verifyAuditLog(directory.path, { keys: [key()] });
    expect(verified.bad).toBeUndefined();
    expect(verified.last!.sequence).toBeGreaterThanOrEqual(flushed);
    expect(verified.authenticated).toBeGreaterThan(0);
  }
}, 120_000);

async function openOn(path: string, log: Parameters<typeof openAuditLog>[0]["log"]): Promise<AuditLog> {
  const limits = { retryMs: 20, waitMs: 300, queueLines: 100, batchMs: 1 };
  const opened = await openAuditLog({ directory: path, log, clock: Date.now, randomBytes, limits });
  opened.useKey(key());
  return opened;
}

test("on a full disk a line is written in part, later to its end, and what was refused meanwhile is counted", async () => {
  requireSurroundings(["root", "mount"]);
  const { path } = await mounts.newTmpfs(DISK);
  await writeFile(join(path, "filling"), Buffer.alloc(FILLING_BYTES));
  const said: string[] = [];
  const log = await openOn(path, { info: (_, text) => said.push(text), warn: (_, text) => said.push(text) });
  let refused = 0;
  for (let number = 1; refused === 0; number += 1) {
    await log.record(entry(number))?.catch(() => (refused += 1));
  }
  await expect(log.flush()).rejects.toMatchObject({ code: "audit_unavailable" });
  // Pages are 4 KiB, and no line ends with one.
  expect(await verifyAuditLog(path, { keys: [key()] })).toMatchObject({
    bad: undefined,
    torn: { file: "audit.jsonl" },
  });

  await rm(join(path, "filling"));
  void log.record(entry(0));
  const head = await log.flush();
  await log.close();
  const verified = await verifyAuditLog(path, { keys: [key()], remembered: head });
  expect(verified).toMatchObject({ bad: undefined, torn: undefined, last: head });
  expect(said).toEqual(["the audit log cannot be written", "the audit log is written again"]);
});

test("a server that ends on a full disk leaves a torn line, and the next one goes on behind it", async () => {
  requireSurroundings(["root", "mount"]);
  const { path } = await mounts.newTmpfs(DISK);
  const silent = { info: () => undefined, warn: () => undefined };
  await writeFile(join(path, "filling"), Buffer.alloc(FILLING_BYTES));
  const first = await openOn(path, silent);
  for (let number = 1; number <= 101; number += 1) await first.record(entry(number))?.catch(() => undefined);
  await first.close();
  expect((await verifyAuditLog(path, { keys: [key()] })).torn).toBeDefined();

  // Still full: it starts all the same, and the torn bytes make room for what says so.
  const second = await openOn(path, silent);
  await rm(join(path, "filling"));
  void second.record(make("server.start", { decision: "allow" }));
  await second.close();
  const verified = await verifyAuditLog(path, { keys: [key()] });
  expect(verified).toMatchObject({ bad: undefined, torn: undefined });
  expect(verified.lines).toBeGreaterThan(20);
});
