import { Command } from "commander";
import { expect, test } from "vitest";

import { addExamples } from "./help-examples.js";

test("only a % that is a word, or names a file of the program, stands for the program", () => {
  const command = new Command("vault");
  let shown = "";
  command.configureOutput({ writeOut: (text) => (shown += text) });
  addExamples(command, "printf '%s\\n' x | % password", 'eval "$(% completion)" >%.fish');
  command.outputHelp();
  expect(shown).toContain("printf '%s\\n' x | vault password");
  expect(shown).toContain('eval "$(vault completion)" >vault.fish');
});
