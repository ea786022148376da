import { Command, type Option } from "commander";

import type { CommandEntry, CommandTable } from "../command-definition.js";
import { addGlobalOptions, GLOBAL_VALUE_OPTIONS } from "../global-options.js";

export interface Candidate {
  readonly word: string;
  readonly description?: string;
}

/** Names that only somebody else knows; each may be slow, or give none. */
export interface NameSources {
  readonly services: () => Promise<readonly string[]>;
  readonly presets: () => Promise<readonly string[]>;
}

/** Arguments whose word is the name of a service; `<name>` is one of `service` commands only. */
const SERVICE_ARGUMENTS = new Set(["service", "svc"]);

/**
 * What may come next on a command line: none where files are as good a guess.
 * @param words the finished words after the program's name
 * @param current the word that is being written, which may be empty
 */
export async function completionsOf(
  table: CommandTable,
  words: readonly string[],
  current: string,
  names: NameSources,
): Promise<Candidate[]> {
  const all = await candidatesOf(table, words, current, names);
  return all.filter(({ word }) => word.startsWith(current));
}

async function candidatesOf(
  table: CommandTable,
  words: readonly string[],
  current: string,
  names: NameSources,
): Promise<Candidate[]> {
  // What follows belongs to another program.
  if (words.includes("--")) return [];
  const path = commandPath(table, words);
  const entry = table.commands.find((each) => each.path.join(" ") === path.join(" "));
  const below = nextWords(table, path);
  const command = new Command();
  addGlobalOptions(command);
  if (entry !== undefined) (await entry.load())(command, () => Promise.resolve());
  const rest = wordsAfter(words, path.length);
  const asked = valueOption(command, rest.at(-1));
  if (asked !== undefined) return valuesOf(asked, names);
  if (current.startsWith("-")) return optionsOf(command);
  if (entry === undefined) return below;
  const operands = operandsOf(command, rest);
  const values = await argumentValues(command, entry, operands.length, names);
  return operands.length === 0 ? [...below, ...values] : values;
}

/** The longest beginning of the operands that is a command, or a group of some. */
function commandPath({ commands }: CommandTable, words: readonly string[]): string[] {
  const path: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (GLOBAL_VALUE_OPTIONS.has(word)) at++;
    else if (!word.startsWith("-")) {
      if (!commands.some((entry) => [...path, word].every((part, index) => entry.path[index] === part)))
        break;
      path.push(word);
    }
  }
  return path;
}

function nextWords({ commands, groups }: CommandTable, path: readonly string[]): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const entry of commands) {
    const word = entry.path[path.length];
    if (word === undefined || entry.hidden === true) continue;
    if (!path.every((part, index) => entry.path[index] === part)) continue;
    const isWhole = entry.path.length === path.length + 1;
    const description = isWhole ? entry.summary : (groups[[...path, word].join(" ")] ?? "");
    if (!found.has(word) || isWhole) found.set(word, { word, description });
  }
  return [...found.values()];
}

/** What stands behind the words of the command itself. */
function wordsAfter(words: readonly string[], pathLength: number): readonly string[] {
  let passed = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (passed === pathLength) return words.slice(at);
    if (GLOBAL_VALUE_OPTIONS.has(word)) at++;
    else if (!word.startsWith("-")) passed++;
  }
  return [];
}

function valueOption(command: Command, word: string | undefined): Option | undefined {
  if (word === undefined) return undefined;
  return command.options.find(
    ({ long, short, required, optional }) => (word === long || word === short) && (required || optional),
  );
}

function operandsOf(command: Command, rest: readonly string[]): string[] {
  const operands: string[] = [];
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? "";
    if (valueOption(command, word) !== undefined) at++;
    else if (!word.startsWith("-")) operands.push(word);
  }
  return operands;
}

async function valuesOf(option: Option, names: NameSources): Promise<Candidate[]> {
  if (option.argChoices !== undefined) return asCandidates(option.argChoices);
  if (option.long === "--service") return asCandidates(await names.services());
  if (option.long === "--env") return asCandidates(await names.presets());
  return [];
}

function optionsOf(command: Command): Candidate[] {
  const own = command.options.flatMap(({ long, hidden, description }) =>
    long === undefined || hidden ? [] : [{ word: long, description }],
  );
  return [...own, { word: "--help", description: "show the command's help" }];
}

async function argumentValues(
  command: Command,
  entry: CommandEntry,
  index: number,
  names: NameSources,
): Promise<Candidate[]> {
  const declared = command.registeredArguments;
  const argument = declared[index] ?? declared.filter(({ variadic }) => variadic).at(-1);
  if (argument === undefined) return [];
  if (argument.argChoices !== undefined) return asCandidates(argument.argChoices);
  const name = argument.name();
  if (name === "preset" || name === "search") return asCandidates(await names.presets());
  const isService = SERVICE_ARGUMENTS.has(name) || (name === "name" && entry.path[0] === "service");
  if (!isService) return [];
  return asCandidates(await (entry.path[1] === "add" ? names.presets() : names.services()));
}

function asCandidates(words: readonly string[]): Candidate[] {
  return words.map((word) => ({ word }));
}
