import { expect, test } from "vitest";
import { EXIT_CODES, NOT_RUN } from "./help-example-rules.js";
import { openHelpExampleWorld } from "./help-example-world.js";
import { exampleCommands, helpExamples } from "./help-examples.js";

/** What ends the vault's readiness comes last. */
const LAST = ["vault-cli lock", "vault-cli down", "vault-cli vault restore"];

/** By what the remote program says, not by what vault-cli does. */
const IS_REMOTE = /^vault-cli ssh (?!upload|download)/;

test("every example of every help does what it says", async () => {
  const examples = await helpExamples();
  expect(examples.length).toBeGreaterThan(130);
  const run = examples.filter((example) => !NOT_RUN.has(example));
  expect([...NOT_RUN.keys()].filter((example) => !examples.includes(example))).toEqual([]);
  const rank = (example: string): number =>
    LAST.findIndex((start) => example.startsWith(start) && !example.includes("/srv/"));
  const world = await openHelpExampleWorld();
  const problems: string[] = [];
  try {
    for (const example of run.sort((one, other) => rank(one) - rank(other))) {
      const commands = exampleCommands(example);
      if (commands.length === 0) problems.push(`${example}\n  runs no vault-cli`);
      let output: string | undefined;
      for (const command of commands) {
        const { code, stdout, stderr } = await world.run(command, output);
        output = stdout;
        const isRight = IS_REMOTE.test(example)
          ? !stderr.includes("error: ")
          : code === (EXIT_CODES.get(example) ?? 0);
        if (!isRight) problems.push(`${example}\n  [${String(code)}] ${stderr}`);
      }
    }
  } finally {
    await world.close();
  }
  expect(problems.join("\n")).toBe("");
}, 300_000);
