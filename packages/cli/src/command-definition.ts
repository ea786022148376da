import type { Command } from "commander";

import type { CommandContext } from "./command-context.js";

/** Does the work of one command line. Resolves with the exit code where it is not 0. */
export type CommandAction = (context: CommandContext) => Promise<number | undefined>;

/** Adds arguments, options, examples and the action to a command. */
export type ConfigureCommand = (command: Command, perform: (action: CommandAction) => Promise<void>) => void;

export interface CommandEntry {
  /** One word, or a noun and a verb, or a noun, its part and a verb. */
  readonly path: readonly [string] | readonly [string, string] | readonly [string, string, string];
  readonly summary: string;
  /** Modules are loaded when their command runs: agents start this program for every call. */
  readonly load: () => Promise<ConfigureCommand>;
  /** What follows its first operand belongs to another program. */
  readonly takesWords?: true;
  /** Left out of help and completion. */
  readonly hidden?: true;
}

/** All commands, and what the words are for that have several below them. */
export interface CommandTable {
  readonly commands: readonly CommandEntry[];
  readonly groups: Readonly<Record<string, string>>;
}
