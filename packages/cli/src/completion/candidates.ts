import { Command, type Option } from "commander";

import type { CommandEntry, CommandTable } from "../command-definition.js";
import { addGlobalOptions, GLOBAL_VALUE_OPTIONS } from "../global-options.js";
import type { Candidate } from "./candidate.js";
import { argumentKind, optionValueKind, type NameSources, type WordKind } from "./names.js";

/** What may come next, and what the shell is to offer where that is nothing. */
export interface Completion {
  readonly candidates: readonly Candidate[];
  readonly otherwise: "files" | "nothing" | AnotherProgram;
}

/** What follows belongs to a program that is run, whose name is the word at this index. */
export interface AnotherProgram {
  readonly programAt: number;
}

/**
 * What may come next on a command line.
 * @param words the finished words after the program's name
 * @param current the word that is being written, which may be empty
 */
export async function completionsOf(
  table: CommandTable,
  words: readonly string[],
  current: string,
  names: NameSources,
): Promise<Completion> {
  const { candidates, otherwise } = await anyCompletionOf(table, words, current, names);
  return { candidates: candidates.filter(({ word }) => word.startsWith(current)), otherwise };
}

async function anyCompletionOf(
  table: CommandTable,
  words: readonly string[],
  current: string,
  names: NameSources,
): Promise<Completion> {
  const end = words.indexOf("--");
  const ours = end === -1 ? words : words.slice(0, end);
  const path = commandPath(table, ours);
  const entry = table.commands.find((each) => each.path.join(" ") === path.join(" "));
  const below = nextWords(table, path);
  const command = new Command();
  addGlobalOptions(command);
  if (entry !== undefined) (await entry.load())(command, () => Promise.resolve());
  const rest = wordsAfter(ours, path.length);
  const programAt = entry === undefined ? undefined : programIndex(command, entry, rest);
  const runs = (index: number): Completion => ({ candidates: [], otherwise: { programAt: index } });
  const hasBegun = programAt !== undefined && programAt < rest.length;
  if (hasBegun) return runs(ours.length - rest.length + programAt);
  if (end !== -1) return programAt === undefined ? NOTHING : runs(end + 1);
  const asked = valueOption(command, rest.at(-1));
  if (asked !== undefined) return ofKind(optionValueKind(asked), names, words.length);
  if (current.startsWith("-")) return only(optionsOf(command, path));
  if (entry === undefined) return only(below);
  const operands = operandsOf(command, rest);
  const declared = command.registeredArguments;
  const argument = declared[operands.length] ?? declared.filter(({ variadic }) => variadic).at(-1);
  const values =
    argument === undefined ? NOTHING : await ofKind(argumentKind(entry, argument), names, words.length);
  return operands.length === 0 ? { ...values, candidates: [...below, ...values.candidates] } : values;
}

const NOTHING: Completion = { candidates: [], otherwise: "nothing" };

function only(candidates: readonly Candidate[]): Completion {
  return { candidates, otherwise: "nothing" };
}

async function ofKind(kind: WordKind, names: NameSources, index: number): Promise<Completion> {
  if (kind === "any") return NOTHING;
  if (kind === "file") return { candidates: [], otherwise: "files" };
  if (kind === "program") return { candidates: [], otherwise: { programAt: index } };
  if ("words" in kind) return only(kind.words.map((word) => ({ word })));
  const candidates = await names[kind.names]();
  return { candidates, otherwise: kind.orFile === true ? "files" : "nothing" };
}

/** Where in `rest` the program stands that the command runs, or would stand next; undefined if it runs none. */
function programIndex(command: Command, entry: CommandEntry, rest: readonly string[]): number | undefined {
  const before = command.registeredArguments.findIndex((each) => argumentKind(entry, each) === "program");
  if (before === -1) return undefined;
  let passed = 0;
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? "";
    if (valueOption(command, word) !== undefined) at++;
    else if (!word.startsWith("-") && passed++ === before) return at;
  }
  return rest.length;
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

function optionsOf(command: Command, path: readonly string[]): Candidate[] {
  const own = command.options.flatMap(({ long, hidden, description }) =>
    long === undefined || hidden ? [] : [{ word: long, description }],
  );
  const version = { word: "--version", description: "print the version" };
  const help = {
    word: "--help",
    description: path.length === 0 ? "show all commands" : "show the command's help",
  };
  return [...own, help, ...(path.length === 0 ? [version] : [])];
}
