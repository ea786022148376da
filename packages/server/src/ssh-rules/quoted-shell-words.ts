/** No shell reads more into these, wherever in a command after its first word they stand. */
const SAFE_ARGUMENT = /^[A-Za-z0-9_+:,./-][A-Za-z0-9_@%+:,./-]*$/;

/** Narrower: a leading `-` or `+` would be an option to the shell itself, a final `:` is a label of csh. */
const SAFE_PROGRAM = /^[A-Za-z0-9_./][A-Za-z0-9_./+-]*$/;

/** The words with which some shell's grammar begins something else than a simple command. */
const RESERVED_WORDS: ReadonlySet<string> = new Set(
  (
    "and begin break breaksw builtin case command continue coproc default do done elif else end endif endsw esac " +
    "exec fi for foreach function goto if in namespace nocorrect noglob not onintr or repeat return select " +
    "switch then time until while"
  ).split(" "),
);

/** What cannot stand between single quotes: the quote itself; fish escapes with `\`, csh looks up history by `!`. */
const PIECES = /['\\!]|[^'\\!]+/g;

/**
 * Writes words as one command that sh, dash, bash, zsh, ksh and fish split into exactly these words, whatever
 * these hold (a NUL excepted, which no argument can hold).
 *
 * csh and tcsh do so too unless a word holds a newline: they end a line there even inside quotes, complain of the
 * first, and then run the next as a command. Whoever sends a command to an unknown shell must refuse newlines, as
 * `createCommandRule` does. Shells that know no single quotes (cmd.exe of Windows, those of network devices) have
 * no quoting in common with these. fish alone takes a first word for its keyword even when that is quoted.
 */
export function quoteShellWords(words: readonly string[]): string {
  return words.map((word, index) => (index === 0 ? quoteProgram(word) : quoteArgument(word))).join(" ");
}

function quoteProgram(word: string): string {
  return SAFE_PROGRAM.test(word) && !RESERVED_WORDS.has(word) ? word : quote(word);
}

function quoteArgument(word: string): string {
  return SAFE_ARGUMENT.test(word) ? word : quote(word);
}

function quote(word: string): string {
  if (word === "") return "''";
  return word.replace(PIECES, (piece) => (/^['\\!]$/.test(piece) ? `\\${piece}` : `'${piece}'`));
}
