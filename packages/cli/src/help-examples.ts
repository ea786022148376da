import type { Command } from "commander";

/** Adds examples to a command's help. Each begins after the program's name. */
export function addExamples(command: Command, ...examples: readonly string[]): void {
  command.addHelpText("after", () => {
    const bin = rootOf(command).name();
    return `\nExamples:\n${examples.map((example) => `  ${example.replaceAll("%", bin)}`).join("\n")}`;
  });
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}
