import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { describe, expect, onTestFinished, test } from "vitest";

import type { ConfigureCommand } from "../command-definition.js";
import { terminalContext, type TerminalContext } from "../testing/terminal-context.js";
import { configureFileDownload } from "./file-download.js";
import { configureFileDelete } from "./file-delete.js";
import { configureServiceRemove } from "./service-remove.js";
import { configureTokenRevoke } from "./token-revoke.js";

async function run(configure: ConfigureCommand, terminal: TerminalContext, ...args: string[]): Promise<void> {
  const command = new Command("destroy");
  configure(command, async (action) => {
    await action(terminal.context);
  });
  await command.parseAsync(args, { from: "user" });
}

/** All calls but those that look whether it is there. */
function changes({ calls }: TerminalContext): string[] {
  return calls.filter((call) => !call.startsWith("GET "));
}

describe.each([
  ["service remove", configureServiceRemove, "x", "/services/x"],
  ["file delete", configureFileDelete, "x", "/files/x"],
  ["token revoke", configureTokenRevoke, "tok_4fJx2a", "/tokens/tok_4fJx2a"],
])("%s on a terminal", (_, configure, name, path) => {
  test("asks, and no or nothing leaves all as it is", async () => {
    for (const keys of ["n", "\r", "\u0003", "\u0004"]) {
      const terminal = terminalContext("https://vault.example");
      const done = run(configure, terminal, name);
      await terminal.answer("?", keys);
      await expect(done).rejects.toThrow(/nothing was changed|cancelled/);
      expect(changes(terminal)).toEqual([]);
    }
  });

  test("goes on after yes, and asks nothing with --yes", async () => {
    const asked = terminalContext("https://vault.example");
    const done = run(configure, asked, name);
    await asked.answer("?", "y");
    await done;
    expect(changes(asked)).toEqual([`DELETE ${path}`]);
    const sure = terminalContext("https://vault.example");
    await run(configure, sure, name, "--yes");
    expect(changes(sure)).toEqual([`DELETE ${path}`]);
    expect(sure.screen()).toBe("");
  });
});

describe("file download on a terminal", () => {
  test("asks before it replaces a file, and nothing with --yes", async () => {
    const directory = await mkdtemp(join(tmpdir(), "vault-cli-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = join(directory, "key.pem");
    await writeFile(file, "mine");
    const asked = terminalContext("https://vault.example");
    const done = run(configureFileDownload, asked, "key.pem", file);
    await asked.answer("Replace the file", "n");
    await expect(done).rejects.toThrow("nothing was changed");
    expect(asked.calls).toEqual([]);
    expect(await readFile(file, "utf8")).toBe("mine");
    await run(configureFileDownload, terminalContext("https://vault.example"), "key.pem", file, "--yes");
    expect(await readFile(file, "utf8")).not.toBe("mine");
  });
});
