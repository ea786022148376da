/**
 * The commands in a piece of shell text whose program is one of `programs`: their words, quotes resolved, also in
 * pipes, command substitutions, and behind assignments of variables. Enough of the grammar of POSIX (Shell Command
 * Language §2.2–2.10) for what stands in documentation; what it does not know ends a command.
 */
export function shellCommands(text: string, programs: readonly string[]): string[][] {
  const commands: string[][] = [];
  collect(text, commands);
  return commands.flatMap((words) => {
    const at = words.findIndex((word) => programs.includes(word));
    const isCommand = words
      .slice(0, Math.max(at, 0))
      .every((word) => /^[A-Z_]+=|^(?:exec|then|do|!|--|\$|\()$/.test(word));
    return at >= 0 && isCommand ? [words.slice(at)] : [];
  });
}

function collect(text: string, commands: string[][]): void {
  let words: string[] = [];
  let word: string | undefined;
  const endWord = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === "\\") {
      at += 1;
      if (text[at] !== "\n") word = (word ?? "") + (text[at] ?? "");
    } else if (character === "'") {
      const end = endOf(text, "'", at + 1);
      word = (word ?? "") + text.slice(at + 1, end);
      at = end;
    } else if (character === '"') {
      const end = endOfDoubleQuotes(text, at + 1);
      const inside = text.slice(at + 1, end);
      for (const substitution of substitutions(inside)) collect(substitution, commands);
      word = (word ?? "") + inside;
      at = end;
    } else if (character === "$" && text[at + 1] === "(") {
      const end = endOfSubstitution(text, at + 2);
      collect(text.slice(at + 2, end), commands);
      word = `${word ?? ""}$(…)`;
      at = end;
    } else if (character === "#" && word === undefined) {
      at = endOf(text, "\n", at) - 1;
    } else if (/[ \t]/.test(character)) endWord();
    else if (/[\n;&|()]/.test(character)) endCommand();
    else if (character === "<" || character === ">") {
      endWord();
      // A redirection and its file are no arguments.
      const rest = /^[<>&]*[ ]*[^\s;|&()]+/.exec(text.slice(at))?.[0] ?? character;
      at += rest.length - 1;
    } else word = (word ?? "") + character;
  }
  endCommand();
}

function endOf(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from);
  return end < 0 ? text.length : end;
}

function endOfDoubleQuotes(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === "$" && text[at + 1] === "(") at = endOfSubstitution(text, at + 2);
    else if (text[at] === '"') return at;
  }
  return text.length;
}

function endOfSubstitution(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "(") depth += 1;
    else if (text[at] === ")" && (depth -= 1) === 0) return at;
  }
  return text.length;
}

function substitutions(text: string): string[] {
  const found: string[] = [];
  for (let at = text.indexOf("$("); at >= 0; at = text.indexOf("$(", at)) {
    const end = endOfSubstitution(text, at + 2);
    found.push(text.slice(at + 2, end));
    at = end;
  }
  return found;
}
