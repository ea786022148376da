import { parseAllowedCommand } from "../ssh-rules/command-rules.js";
import { quoteShellWords } from "../ssh-rules/quoted-shell-words.js";
import { isIdentifier } from "./identifier-pattern.js";

/**
 * The entries of an allow-list that a set of commands suggests. A command ends before its first identifier, since an
 * entry allows whatever follows its words; when more than `siblings` begin with the same two words, so does one entry
 * for all of them.
 *
 * @param commands that `parseAllowedCommand` accepts
 * @returns sorted; each command begins with one
 */
export function learnCommands(commands: Iterable<string>, siblings: number): readonly string[] {
  const starts = new Map<string, readonly string[]>();
  for (const command of commands) {
    const parsed = parseAllowedCommand(command);
    if (!parsed.ok) continue;
    const identifier = parsed.words.findIndex((word, index) => index > 0 && isIdentifier(word));
    const words = identifier === -1 ? parsed.words : parsed.words.slice(0, identifier);
    starts.set(quoteShellWords(words), words);
  }
  const families = new Map<string, (readonly string[])[]>();
  for (const words of starts.values()) {
    const family = quoteShellWords(words.slice(0, 2));
    families.set(family, [...(families.get(family) ?? []), words]);
  }
  const kept = [...families.values()].flatMap((family) =>
    family.length > siblings ? family.slice(0, 1).map((words) => words.slice(0, 2)) : family,
  );
  return kept
    .filter((words) => !kept.some((other) => other.length < words.length && beginsWith(words, other)))
    .map((words) => quoteShellWords(words))
    .sort();
}

function beginsWith(words: readonly string[], start: readonly string[]): boolean {
  return start.every((word, index) => word === words[index]);
}
