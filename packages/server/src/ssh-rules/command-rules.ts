import { quoteShellWords } from "./quoted-shell-words.js";
import { refuse, type Refusal } from "./refusal.js";
import { splitShellWords, type SplitCommand } from "./shell-words.js";

/** Which commands may be run, of a service or of a policy. */
export interface CommandRule {
  /**
   * Whether the command may be run, and how it has to be sent. It takes what a caller wrote, never what another
   * rule answered: where several rules apply, each is asked about the same text.
   */
  admit(command: string): AdmittedCommand;
}

export type AdmittedCommand =
  | {
      readonly ok: true;
      /** The same words, quoted: to be sent instead of what the caller wrote. */
      readonly command: string;
    }
  | Refusal;

/** A shell takes such a first word for the setting of a variable: the next word would be the program. */
const ASSIGNMENT = /^[^/=]*=/;

/**
 * The words of an entry of an allow-list, or why it can be none. An entry allows the command that has exactly its
 * words, and each that goes on after them with any further words.
 */
export function parseAllowedCommand(entry: string): SplitCommand {
  const split = splitOneLine(entry);
  if (!split.ok) return split;
  const [program = ""] = split.words;
  if (program === "") return refuse("an allowed command must begin with the name of a program");
  if (ASSIGNMENT.test(program)) return refuse("an allowed command cannot begin with an assignment");
  return split;
}

/**
 * The rule that admits what begins with an entry's words. An entry that `parseAllowedCommand` refuses admits
 * nothing, and neither does an empty list.
 */
export function createCommandRule(entries: readonly string[]): CommandRule {
  const allowed = entries.flatMap((entry) => {
    const parsed = parseAllowedCommand(entry);
    return parsed.ok ? [parsed.words] : [];
  });
  return {
    admit: (command) => {
      const split = splitOneLine(command);
      if (!split.ok) return split;
      if (!allowed.some((words) => beginsWith(split.words, words))) {
        return refuse("the command is not among those allowed");
      }
      return { ok: true, command: quoteShellWords(split.words) };
    },
  };
}

/** Nothing tells which shell the server's user has, and csh runs what follows a newline, quoted or not. */
function splitOneLine(command: string): SplitCommand {
  if (command.includes("\n")) {
    return refuse(
      "with an allow-list, a command cannot hold a newline: no quoting keeps it from every shell",
    );
  }
  return splitShellWords(command);
}

function beginsWith(words: readonly string[], start: readonly string[]): boolean {
  return start.every((word, index) => word === words[index]);
}
