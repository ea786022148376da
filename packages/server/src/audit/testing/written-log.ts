import { randomBytes } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Secret } from "../../redaction/secret.js";
import { deriveAuditKey, type AuditKey } from "../audit-key.js";
import { createEntryMaker, type AuditEntry } from "../audit-entry.js";
import type { AuditLimits } from "../audit-limits.js";
import { openAuditLog, type AuditLog } from "../audit-log.js";

const SILENT = { info: () => undefined, warn: () => undefined };
export const make = createEntryMaker((text) => text);

export const keyOf = (letter: string): AuditKey =>
  deriveAuditKey(new Secret(Buffer.alloc(32, letter).toString("base64url")));

export const call = (number: number): AuditEntry =>
  make("proxy", {
    ...{ request_id: `req-${number}`, token: "tok_abcdefgh", token_name: "bot", service: "github" },
    ...{ method: "GET", path: `/repos/acme/${number}?page=2`, decision: "allow", status: 200 },
    ...{ bytes_in: 0, bytes_out: 1_234, ms: 12.34, client: "127.0.0.1" },
  });

export const openLogIn = (
  directory: string,
  limits: Partial<AuditLimits> = {},
  log: Parameters<typeof openAuditLog>[0]["log"] = SILENT,
): Promise<AuditLog> =>
  openAuditLog({ directory, log, clock: Date.now, randomBytes, limits: { batchMs: 1, ...limits } });

/** A log that was written while the vault was unlocked, with a start before it; `count` calls. */
export async function writeLog(
  directory: string,
  count: number,
  limits: Partial<AuditLimits> = {},
): Promise<void> {
  const log = await openLogIn(directory, limits);
  void log.record(make("server.start", { decision: "allow" }));
  log.useKey(keyOf("k"));
  void log.record(make("unlock", { decision: "allow" }));
  for (let number = 1; number <= count; number += 1) void log.record(call(number));
  await log.close();
}

export async function linesOf(directory: string, name = "audit.jsonl"): Promise<string[]> {
  return (await readFile(join(directory, name), "utf8")).split("\n").slice(0, -1);
}

export async function putLines(
  directory: string,
  lines: readonly string[],
  name = "audit.jsonl",
): Promise<void> {
  await writeFile(join(directory, name), lines.map((line) => `${line}\n`).join(""));
}

export const filesIn = async (directory: string): Promise<string[]> => (await readdir(directory)).sort();
