import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { expect, onTestFinished, test } from "vitest";

import { describeFailure } from "../failures.js";
import { terminalContext } from "../testing/terminal-context.js";
import { configureVaultBackup } from "./vault-backup.js";

async function backUp(...args: string[]): Promise<unknown> {
  const { context } = terminalContext("https://vault.example");
  const command = new Command("backup");
  configureVaultBackup(command, async (action) => {
    await action(context);
  });
  const failed = await command.parseAsync(args, { from: "user" }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return describeFailure(failed, { bin: "vault-cli", tokenFromEnvironment: false });
}

test("standard output takes no backup, and no file gets the name `-`", async () => {
  const before = await readdir(".");
  expect(await backUp("-", "--frame-only")).toMatchObject({
    message: "a backup does not go to standard output: give a file name",
    code: "usage",
    exitCode: 2,
  });
  expect(await readdir(".")).toEqual(before);
});

test("a file that is there already is a conflict, to programs too", async () => {
  const directory = await mkdtemp(join(tmpdir(), "vault-cli-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  await mkdir(join(directory, "data"));
  await writeFile(join(directory, "data", "vault.enc"), "the vault");
  const path = join(directory, "backup");
  await writeFile(path, "mine");
  expect(await backUp(path, "--frame-only", "--data-dir", join(directory, "data"))).toEqual({
    message: `${path} is there already`,
    hint: "pass --force to replace it",
    code: "conflict",
    exitCode: 1,
  });
  expect(await readFile(path, "utf8")).toBe("mine");
});
