import { refuse, type Refusal } from "./refusal.js";

export type SplitCommand = { readonly ok: true; readonly words: readonly string[] } | Refusal;

/** What starts another command, redirects, expands or escapes in some shell, and so is never guessed at. */
const NAMES_OF_REFUSED_CHARACTERS: ReadonlyMap<string, string> = new Map([
  [";", "a semicolon"],
  ["&", "an ampersand"],
  ["|", "a vertical bar"],
  ["<", "a less-than sign"],
  [">", "a greater-than sign"],
  ["(", "a parenthesis"],
  [")", "a parenthesis"],
  ["$", "a dollar sign"],
  ["\\", "a backslash"],
  ["`", "a backquote"],
  ["\n", "a newline"],
  ["\r", "a carriage return"],
]);

const PRINTABLE_ASCII_OR_TAB = /^[\t\x20-\x7e]$/;

/**
 * Splits a command into words as a POSIX shell would (POSIX.1-2024, Shell Command Language, §2.2 and §2.3), where
 * every shell agrees what they are; refuses it where a shell would do more than split, or where shells differ.
 *
 * - Blanks (space, tab) part words; quoted and unquoted pieces side by side are one word; `''` is an empty word.
 * - Single quotes neutralise all between them.
 * - Double quotes only group: what is refused outside quotes is refused inside them.
 * - Outside single quotes only printable ASCII and tab are accepted, so that no look-alike passes for a character
 *   that it is not.
 * - `* ? [ ] ~ # { } ! =` and the like mean themselves, because words are sent quoted (see `quoteShellWords`).
 *
 * What is not read, and so refused: escapes by backslash, expansions, redirections, operators, `$'…'`.
 */
export function splitShellWords(command: string): SplitCommand {
  if (!command.isWellFormed()) {
    return refuse("the command holds half of a character (a lone surrogate)");
  }
  // No argument of a program can hold it: the kernel ends a string there (execve(2)).
  if (command.includes("\0")) return refuse("a command cannot hold NUL, not even between single quotes");

  const words: string[] = [];
  let word: string | undefined;
  let quote: "none" | "single" | "double" = "none";
  for (const character of command) {
    if (quote === "single") {
      if (character === "'") quote = "none";
      else word = (word ?? "") + character;
      continue;
    }
    const reason = whyOnlyBetweenSingleQuotes(character);
    if (reason !== undefined) return refuse(reason);
    if (quote === "double") {
      if (character === '"') quote = "none";
      else word = (word ?? "") + character;
    } else if (character === "'" || character === '"') {
      quote = character === "'" ? "single" : "double";
      word ??= "";
    } else if (character === " " || character === "\t") {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== "none") return refuse(`the command ends inside ${quote} quotes`);
  if (word !== undefined) words.push(word);
  if (words.length === 0) return refuse("the command is empty");
  return { ok: true, words };
}

function whyOnlyBetweenSingleQuotes(character: string): string | undefined {
  const name = NAMES_OF_REFUSED_CHARACTERS.get(character);
  if (name !== undefined) return `with an allow-list, ${name} may stand only between single quotes`;
  if (PRINTABLE_ASCII_OR_TAB.test(character)) return undefined;
  return "with an allow-list, what is not printable ASCII may stand only between single quotes: put it there";
}
