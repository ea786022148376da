import { Command } from "commander";
import { describe, expect, test } from "vitest";

import type { ConfigureCommand } from "../command-definition.js";
import { terminalContext, type TerminalContext } from "../testing/terminal-context.js";
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
    expect(sure.calls).toEqual([`DELETE ${path}`]);
    expect(sure.screen()).toBe("");
  });
});
