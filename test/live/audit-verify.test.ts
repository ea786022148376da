import { createHash, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEntryMaker } from "../../packages/server/src/audit/audit-entry.js";
import { deriveAuditKey, newAuditSecret } from "../../packages/server/src/audit/audit-key.js";
import { openAuditLog } from "../../packages/server/src/audit/audit-log.js";
import { AUDIT_SETTINGS, auditSettingsRecord } from "../../packages/server/src/audit/audit-settings.js";
import { PASSWORD, withUnlockedVault } from "../../packages/server/src/vault/testing/temporary-vault.js";
import { cli, temporaryDirectory, type CliResult } from "./processes.js";

const SILENT = { info: () => undefined, warn: () => undefined };
const CALLS = 5;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let file: string;

/** A vault and its log, as a server leaves them. */
beforeEach(async () => {
  directory = await temporaryDirectory();
  file = join(directory.path, "audit.jsonl");
  const secret = newAuditSecret(randomBytes);
  const log = await openAuditLog({ directory: directory.path, log: SILENT, clock: Date.now, randomBytes });
  const make = createEntryMaker((text) => text);
  log.useKey(deriveAuditKey(secret));
  for (let number = 1; number <= CALLS; number += 1) {
    void log.record(make("proxy", { path: `/items/${number}`, decision: "allow" }));
  }
  const head = await log.flush();
  await log.close();
  await withUnlockedVault(directory.path, async (vault) => {
    const record = auditSettingsRecord({ secrets: [secret], head });
    await vault.collection("settings").change((settings) => settings.set(AUDIT_SETTINGS, record));
  });
});
afterEach(() => directory.remove());

const verify = (args: readonly string[], input = ""): Promise<CliResult> =>
  cli(["audit", "verify", ...args], {
    env: { HOME: directory.path, VAULT_DATA_DIR: directory.path },
    stdin: input,
  });
const password = `${PASSWORD.reveal()}\n`;

test("a log as it was written is whole, by its chain and with the password", async () => {
  const chain = await verify([]);
  expect(chain).toMatchObject({ code: 0, stdout: "Audit log is whole: 6 lines, number 1 to 6.\n" });
  expect(chain.stderr).toContain("--with-password checks more");
  const whole = await verify(["--with-password"], password);
  expect(whole).toMatchObject({ code: 0 });
  expect(whole.stdout).toContain("5 lines have a MAC of this vault.\n");
  const json = await verify([file, "--json", "--with-password"], password);
  expect(JSON.parse(json.stdout)).toMatchObject({
    status: "ok",
    checked: "vault",
    lines: 6,
    authenticated: 5,
  });
});

test("the first bad line is named, and the exit code is 1", async () => {
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace("/items/3", "/items/9"));
  const chain = await verify([]);
  expect(chain.code).toBe(1);
  expect(chain.stdout).toContain("audit.jsonl, line 4: ");
  const json = await verify(["--json", "--with-password"], password);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({ status: "bad", bad: { line: 4, problem: "mac_wrong" } });
  expect(await verify(["--from", "5"])).toMatchObject({ code: 0 });
});

type Tamper = (lines: string[]) => void;

test.each<[string, Tamper, { chain: number; line: number; problem: string }]>([
  ["deleted", (lines) => void lines.splice(2, 1), { chain: 1, line: 3, problem: "missing_lines" }],
  [
    "swapped",
    (lines) => void lines.splice(2, 2, lines[3]!, lines[2]!),
    { chain: 1, line: 3, problem: "missing_lines" },
  ],
  ["given twice", (lines) => void lines.push(lines[3]!), { chain: 1, line: 7, problem: "out_of_order" }],
  [
    "recomputed with all that follow it",
    (lines) => void lines.splice(3, 3, ...forged(lines.slice(3), lines[2]!)),
    { chain: 0, line: 4, problem: "mac_missing" },
  ],
  [
    "added behind the end",
    (lines) => void lines.push(...forged([lines[4]!], lines[5]!)),
    { chain: 0, line: 7, problem: "mac_missing" },
  ],
])("a line that was %s is named", async (_, tamper, { chain, line, problem }) => {
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  tamper(lines);
  await writeFile(file, `${lines.join("\n")}\n`);
  const offline = await verify([]);
  expect(offline.code).toBe(chain);
  if (chain === 1) expect(offline.stdout).toContain(`audit.jsonl, line ${line}: `);
  const whole = await verify(["--json", "--with-password"], password);
  expect(whole.code).toBe(1);
  expect(JSON.parse(whole.stdout)).toMatchObject({ bad: { file: "audit.jsonl", line, problem } });
});

/** The lines as somebody without the key would chain them behind another one. */
function forged(lines: readonly string[], behind: string): string[] {
  let last = behind;
  return lines.map((line) => {
    const { seq } = JSON.parse(last) as { seq: number };
    const prev = createHash("sha256").update(last).digest("base64url");
    const { seq: _seq, prev: _prev, mac: _mac, ...fields } = JSON.parse(line) as Record<string, unknown>;
    last = JSON.stringify({ seq: seq + 1, ...fields, prev });
    return last;
  });
}

test("an end that is cut off is seen with the password, and only then", async () => {
  const lines = (await readFile(file, "utf8")).split("\n");
  await writeFile(file, `${lines.slice(0, -2).join("\n")}\n`);
  expect(await verify([])).toMatchObject({ code: 0 });
  const cut = await verify(["--with-password"], password);
  expect(cut.code).toBe(1);
  expect(cut.stdout).toContain("(cut_off)");
});

test("a wrong password, a directory without a log and a wrong number are errors", async () => {
  expect(await verify(["--with-password"], "something else\n")).toMatchObject({
    code: 1,
    stderr: "error: wrong password or damaged vault file\n",
  });
  const nowhere = await verify(["/nowhere"]);
  expect(nowhere.code).toBe(1);
  expect(nowhere.stderr).toContain("/nowhere");
  expect(await verify(["--from", "0"])).toMatchObject({ code: 2 });
});
