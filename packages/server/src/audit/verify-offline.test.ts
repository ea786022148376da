import { join } from "node:path";
import { expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { PASSWORD, withTemporaryDirectory, withUnlockedVault } from "../vault/testing/temporary-vault.js";
import { deriveAuditKey, newAuditSecret } from "./audit-key.js";
import {
  AUDIT_SETTINGS,
  auditSettingsRecord,
  readAuditSettings,
  withHead,
  withNewSecret,
} from "./audit-settings.js";
import { call, linesOf, openLogIn, putLines } from "./testing/written-log.js";
import { verifyAuditOffline } from "./verify-offline.js";

const secretOf = (letter: string): Secret => newAuditSecret((size) => Buffer.alloc(size, letter));

/** A vault, and a log with the keys of two passwords, of which it remembers the end. */
async function makeVaultWithLog(directory: string): Promise<string> {
  const log = await openLogIn(directory);
  let settings = readAuditSettings(undefined);
  for (const letter of ["a", "b"]) {
    settings = withNewSecret(settings, secretOf(letter));
    log.useKey(deriveAuditKey(secretOf(letter)));
    for (let number = 0; number < 5; number += 1) void log.record(call(number));
    settings = withHead(settings, await log.flush());
  }
  await log.close();
  await withUnlockedVault(directory, async (vault) => {
    await vault
      .collection("settings")
      .change((records) => records.set(AUDIT_SETTINGS, auditSettingsRecord(settings)));
  });
  return join(directory, "vault.enc");
}

test("with the password the MACs and the end are checked, without it the chain", async () => {
  await withTemporaryDirectory(async (directory) => {
    const vault = { file: await makeVaultWithLog(directory), password: PASSWORD };
    const path = directory;
    expect(await verifyAuditOffline({ path })).toMatchObject({ checked: "chain", bad: undefined, lines: 11 });
    expect(await verifyAuditOffline({ path, vault })).toMatchObject({
      ...{ checked: "vault", bad: undefined, authenticated: 10, remembered: 11 },
    });

    await putLines(directory, (await linesOf(directory)).slice(0, -1));
    expect(await verifyAuditOffline({ path })).toMatchObject({ bad: undefined });
    expect(await verifyAuditOffline({ path, vault })).toMatchObject({
      bad: { problem: "cut_off", line: 10 },
    });
    // Of one file, or a part of a log, nobody can say where it should end.
    const file = join(directory, "audit.jsonl");
    expect(await verifyAuditOffline({ path: file, vault })).toMatchObject({
      bad: undefined,
      authenticated: 9,
    });
    expect(await verifyAuditOffline({ path, vault, isPart: true })).toMatchObject({ bad: undefined });
  });
});

test("a wrong password, a missing log and a missing vault are told apart", async () => {
  await withTemporaryDirectory(async (directory) => {
    const file = await makeVaultWithLog(directory);
    const wrong = { file, password: new Secret("another password") };
    await expect(verifyAuditOffline({ path: directory, vault: wrong })).rejects.toMatchObject({
      code: "unauthorized",
    });
    const missing = { file: join(directory, "none"), password: PASSWORD };
    await expect(verifyAuditOffline({ path: directory, vault: missing })).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(verifyAuditOffline({ path: join(directory, "none") })).rejects.toMatchObject({
      code: "not_found",
    });
  });
  await withTemporaryDirectory(async (directory) => {
    await expect(verifyAuditOffline({ path: directory })).rejects.toMatchObject({ code: "not_found" });
  });
});

test("a vault remembers no earlier head than the one it has", () => {
  const hash = "B".repeat(43);
  const settings = withHead(readAuditSettings(undefined), { sequence: 5, hash });
  expect(withHead(settings, { sequence: 4, hash })).toBe(settings);
  expect(withHead(settings, { sequence: 6, hash }).head).toEqual({ sequence: 6, hash });
  expect(readAuditSettings(auditSettingsRecord(settings))).toEqual(settings);
});

test("a key that was wiped makes no MACs", () => {
  const key = deriveAuditKey(secretOf("a"));
  expect(key.mac("x")).toHaveLength(43);
  expect(deriveAuditKey(secretOf("b")).id).not.toBe(key.id);
  key.destroy();
  expect(() => key.mac("x")).toThrow("wiped");
  expect(() => deriveAuditKey(new Secret("short"))).toThrow("32 bytes");
});

test("a log that ends before the line to begin with has nothing that could be whole", async () => {
  await withTemporaryDirectory(async (directory) => {
    await makeVaultWithLog(directory);
    expect(await verifyAuditOffline({ path: directory, from: 11 })).toMatchObject({
      bad: undefined,
      lines: 1,
    });
    for (const asked of [{ path: directory }, { path: directory, isPart: true }]) {
      expect((await verifyAuditOffline({ ...asked, from: 12 })).bad).toMatchObject({
        problem: "missing_lines",
      });
    }
  });
});
