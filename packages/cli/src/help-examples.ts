import type { Command } from "commander";

/** `%` as a word of its own stands for the program; in another place, such as `%s`, it is what it is. */
const PROGRAM = /(?<![\w'"])%(?=[ .])/g;

export const EXAMPLES_HEADING = "\nExamples:\n";

/** Adds examples to a command's help. */
export function addExamples(command: Command, ...examples: readonly string[]): void {
  command.addHelpText("after", () => {
    const bin = rootOf(command).name();
    return `${EXAMPLES_HEADING}${examples.map((example) => `  ${example.replace(PROGRAM, bin)}`).join("\n")}`;
  });
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}
