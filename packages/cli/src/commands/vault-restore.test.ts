import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { expect, onTestFinished, test } from "vitest";

import { terminalContext, type TerminalContext } from "../testing/terminal-context.js";
import { configureVaultRestore } from "./vault-restore.js";

async function restore(terminal: TerminalContext, ...args: string[]): Promise<void> {
  const command = new Command("restore");
  configureVaultRestore(command, async (action) => {
    await action(terminal.context);
  });
  await command.parseAsync(args, { from: "user" });
}

/** A backup that no password opens, and a data directory. */
async function brokenBackup(): Promise<{ directory: string; args: string[] }> {
  const directory = await mkdtemp(join(tmpdir(), "vault-cli-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, "backup"), "VLTPRX1\nbroken");
  return { directory, args: [join(directory, "backup"), "--data-dir", join(directory, "data")] };
}

test("in a terminal it asks before it asks for the password, and no leaves all as it is", async () => {
  const { directory, args } = await brokenBackup();
  for (const keys of ["n", "\r", "\u0003", "\u0004"]) {
    const terminal = terminalContext("https://vault.example");
    const done = restore(terminal, ...args);
    await terminal.answer("in the place of the vault in", keys);
    await expect(done).rejects.toThrow(/nothing was changed|cancelled/);
    expect(terminal.screen()).not.toContain("password");
  }
  expect(await readdir(directory)).toEqual(["backup"]);
});

test.each([
  ["yes", []],
  ["--yes", ["--yes"]],
])("after %s the backup's password is asked for, without echo", async (_, more) => {
  const { directory, args } = await brokenBackup();
  const terminal = terminalContext("https://vault.example");
  const done = restore(terminal, ...args, ...more);
  if (more.length === 0) await terminal.answer("in the place of the vault in", "y");
  await terminal.answer("Master password (or recovery key)", "correct horse\r");
  await expect(done).rejects.toThrow("wrong password or damaged vault file");
  expect(terminal.screen()).not.toContain("horse");
  expect(await readdir(directory)).toEqual(["backup"]);
  expect(terminal.calls).toEqual([]);
});

test("nothing is asked where there is no backup", async () => {
  const { args } = await brokenBackup();
  const terminal = terminalContext("https://vault.example");
  await expect(restore(terminal, `${args[0] ?? ""}x`)).rejects.toThrow("there is no file");
  expect(terminal.screen()).toBe("");
});

test("what is no vault file is told before a password is asked for", async () => {
  const { directory, args } = await brokenBackup();
  const terminal = terminalContext("https://vault.example");
  await writeFile(join(directory, "notes"), "x");
  await expect(restore(terminal, join(directory, "notes"), ...args.slice(1))).rejects.toThrow(
    "notes is not a vault file",
  );
  expect(terminal.screen()).toBe("");
});
