import { basename } from "node:path";
import { Command, CommanderError } from "commander";

import { createContext, type GlobalOptions, type ProcessLike } from "./command-context.js";
import type { CommandAction, CommandEntry } from "./command-definition.js";
import { COMMANDS, GROUP_EXAMPLES, GROUPS, headingOf, OTHER_COMMANDS } from "./commands/registry.js";
import { UsageError, describeFailure } from "./failures.js";
import { addExamples, EXAMPLES_HEADING } from "./help-examples.js";
import { addGlobalOptions, GLOBAL_VALUE_OPTIONS } from "./global-options.js";
import { createOutput, type OutputStream } from "./output.js";
import { terminalLines } from "./terminal-lines.js";
import { readVersion } from "./version.js";

/** Columns of help where no terminal shows it. */
const HELP_WIDTH = 80;

/** Words of the longest command. */
const LONGEST_PATH = 3;

const INTRODUCTION = "Call APIs through a vault-server that holds their credentials.";

const FIRST_STEPS = [
  "% up                             # start and unlock a vault on this machine",
  "% service add openai             # store a key, which is asked for",
  "% run --env openai -- codex      # an agent that uses it and never sees it",
  "% help service add               # more of a command",
];

const ENVIRONMENT = `
Environment:
  VAULT_PROXY_SOCK  unix socket of vault-server; goes before VAULT_ADDR
  VAULT_ADDR        its address (default http://127.0.0.1:8390; also unix:/path)
  VAULT_TOKEN       token; goes before the session that unlock saves
  VAULT_DATA_DIR    data directory of a server here (default ~/.vault-proxy)
  NO_COLOR          no colours, where it is not empty

Exit codes:
  0                 done
  1                 it failed, or what was asked about is not so
  2                 the command line is wrong: nothing was done
  130, 143          ended by Ctrl-C, by SIGTERM
  any other         that of the program which \`run\`, \`ssh\` or --exec ran`;

/** Runs one command line. Resolves with the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runProgram(host: ProcessLike): Promise<number> {
  const bin = programName(host.argv[1]);
  const words = expandHelp(host.argv.slice(2));
  // For what goes wrong before the options are known.
  const asJson = words.includes("--json");
  let output = createOutput({ ...host, json: asJson });
  let exitCode = 0;
  const program = new Command(bin);

  const perform = async (entry: CommandEntry, command: Command, action: CommandAction): Promise<void> => {
    const globals = command.optsWithGlobals<GlobalOptions>();
    output = createOutput({ ...host, json: globals.json === true, quiet: globals.quiet === true });
    const context = createContext(host, globals, bin, output);
    try {
      exitCode = (await action(context)) ?? 0;
    } catch (error) {
      const { withMissingName } = await import("./missing-name.js");
      throw await withMissingName(error, context, entry, command);
    }
  };

  program
    .description(INTRODUCTION)
    .version(readVersion(), "-V, --version", "print the version")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", ENVIRONMENT)
    .exitOverride()
    .configureOutput({
      getOutHelpWidth: () => host.stdout.columns ?? HELP_WIDTH,
      getErrHelpWidth: () => host.stderr.columns ?? HELP_WIDTH,
      writeOut: (text) => host.stdout.write(helpLines(text, host.stdout)),
      // For programs what is wrong is told as JSON instead, below.
      writeErr: (text) => (asJson ? undefined : host.stderr.write(helpLines(text, host.stderr))),
      outputError: () => undefined,
    });

  addGlobalOptions(program);
  addExamples(program, ...FIRST_STEPS);

  const known = new Map<string, Command>();
  try {
    if (host.argv[2] === "help") assertKnown(words.slice(0, -1), bin);
    const selected = selectCommand(words, COMMANDS);
    if (selected?.takesWords === true) program.enablePositionalOptions();
    for (const entry of COMMANDS) {
      const command = parentOf(entry, program, known)
        .command(entry.path.at(-1) ?? "", { hidden: entry.hidden === true })
        .summary(entry.summary);
      if (entry.path.length === 1) command.helpGroup(headingOf(entry.path[0]));
      known.set(entry.path.join(" "), command);
      if (entry !== selected) continue;
      command.description(`${entry.summary}.`);
      if (entry.takesWords === true) letWordsPass(command);
      (await entry.load())(command, (action) => perform(entry, command, action));
    }
    // At the end: what is set before, the commands below take over.
    program.commandsGroup(OTHER_COMMANDS).helpCommand("help [command]", "display help for command");
    await program.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    // Without a command commander has printed the help already.
    if (error instanceof CommanderError && error.code === "commander.help") {
      if (asJson)
        output.failure(describeFailure(noCommand(words, bin), { bin, tokenFromEnvironment: false }));
      return 2;
    }
    const failure = describeFailure(
      error instanceof CommanderError ? usageError(error, bin, words, known) : error,
      {
        bin,
        tokenFromEnvironment: (host.env.VAULT_TOKEN ?? "") !== "",
      },
    );
    output.failure(failure);
    return failure.exitCode;
  }
}

/** Commander breaks its own lines only. Paragraphs are filled anew; examples stay whole, to be copied. */
function helpLines(text: string, { isTTY, columns = 0 }: OutputStream): string {
  const at = text.indexOf(EXAMPLES_HEADING);
  const end = at === -1 ? text.length : at;
  const paragraphs = text.slice(0, end).replace(/(?<=^\S.*)\n(?=\S)/gm, " ");
  const width = isTTY === true && columns > 0 ? columns : HELP_WIDTH;
  return terminalLines(paragraphs, width) + text.slice(end);
}

/** `vault-cli`, or the name of a symlink to it such as `vault`. */
function programName(script: string | undefined): string {
  const name = basename(script ?? "").replace(/\.[cm]?js$/, "");
  return name === "" || name === "main" ? "vault-cli" : name;
}

/** `help service add` means `service add --help`. */
function expandHelp(words: string[]): string[] {
  return words[0] === "help" ? [...words.slice(1), "--help"] : words;
}

/** @throws UsageError where the words begin no command */
function assertKnown(words: readonly string[], bin: string): void {
  const operands = words.filter((word) => !word.startsWith("-"));
  if (COMMANDS.some(({ path }) => operands.every((word, index) => path[index] === word))) return;
  if (selectCommand(words, COMMANDS) !== undefined) return;
  throw new UsageError(`there is no command ${operands.join(" ")}`, `see \`${bin} --help\``);
}

/** Which command the words name, so that only its module is loaded: of several the longest. */
export function selectCommand(
  words: readonly string[],
  entries: readonly CommandEntry[],
): CommandEntry | undefined {
  const operands = operandsOf(words);
  return entries
    .filter((entry) => entry.path.every((part, index) => operands[index] === part))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

/** The words that may name a command. */
function operandsOf(words: readonly string[]): readonly string[] {
  const operands: string[] = [];
  for (let at = 0; at < words.length && operands.length < LONGEST_PATH; at++) {
    const word = words[at] ?? "";
    if (word === "--") break;
    if (GLOBAL_VALUE_OPTIONS.has(word)) at++;
    else if (!word.startsWith("-")) operands.push(word);
  }
  return operands;
}

/** @param known the commands and groups that there are already, by their paths */
function parentOf(entry: CommandEntry, program: Command, known: Map<string, Command>): Command {
  let parent = program;
  for (let length = 1; length < entry.path.length; length++) {
    const path = entry.path.slice(0, length).join(" ");
    const group = known.get(path) ?? addGroup(parent, path, entry.path[length - 1]);
    if (length === 1) group.helpGroup(headingOf(path));
    known.set(path, group);
    parent = group;
  }
  return parent;
}

function addGroup(parent: Command, path: string, word = ""): Command {
  const group = parent.command(word).description(GROUPS[path] ?? "");
  addExamples(group, ...(GROUP_EXAMPLES[path] ?? []));
  return group;
}

/**
 * What follows the command's first operand is left as it is, options of this program's own included: they stand before
 * it, where the program itself no longer looks for them.
 */
function letWordsPass(command: Command): void {
  command.passThroughOptions().helpCommand(false);
  addGlobalOptions(command);
  for (const option of command.options) option.hideHelp();
}

/** Of words that name a group of commands, or nothing at all. */
function noCommand(words: readonly string[], bin: string): UsageError {
  const group = groupOf(words);
  const of = group === undefined ? "" : ` of ${group}`;
  return new UsageError(`no command${of} was named`, helpHint(bin, group));
}

/** The longest group of commands whose name begins the words. */
function groupOf(words: readonly string[]): string | undefined {
  const operands = operandsOf(words).join(" ");
  return Object.keys(GROUPS)
    .filter((group) => `${operands} `.startsWith(`${group} `))
    .sort((a, b) => b.length - a.length)[0];
}

function helpHint(bin: string, path: string | undefined): string {
  return `see \`${[bin, ...(path === undefined ? [] : [path]), "--help"].join(" ")}\``;
}

/** @param known the commands, by their paths */
function usageError(
  error: CommanderError,
  bin: string,
  words: readonly string[],
  known: ReadonlyMap<string, Command>,
): UsageError {
  const selected = selectCommand(words, COMMANDS);
  const message = error.message
    .replace(/^error: /, "")
    .replaceAll("\n", " ")
    // `--token=…` is no option, but what follows it may be a secret all the same.
    .replace(/(unknown option '[^'=]*)=[^']*/, "$1")
    .replace(
      /^command-argument value '(.*)' is invalid for argument '.*'\. Allowed choices are (.*)\.$/,
      '"$1" is none of $2',
    );
  return new UsageError(
    withLongerOption(message, known.get(selected?.path.join(" ") ?? "")),
    helpHint(bin, selected?.path.join(" ") ?? groupOf(words)),
  );
}

/** Whoever writes `--bearer` means `--bearer-stdin`, and not what is as short. */
function withLongerOption(message: string, command: Command | undefined): string {
  const [, unknown] = /^unknown option '(--[a-z][a-z-]*)'/.exec(message) ?? [];
  const longer = (command?.options ?? []).flatMap(({ long, hidden }) =>
    unknown !== undefined && !hidden && long?.startsWith(`${unknown}-`) === true ? [long] : [],
  );
  if (longer.length === 0) return message;
  return `unknown option '${unknown ?? ""}' (Did you mean ${longer.join(" or ")}?)`;
}
