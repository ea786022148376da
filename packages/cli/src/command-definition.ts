import type { Command } from "commander";

import type { CommandContext } from "./command-context.js";

/** Does the work of one command line. Resolves with the exit code where it is not 0. */
export type CommandAction = (context: CommandContext) => Promise<number | undefined>;

/** Adds arguments, options, examples and the action to a command. */
export type ConfigureCommand = (command: Command, perform: (action: CommandAction) => Promise<void>) => void;
