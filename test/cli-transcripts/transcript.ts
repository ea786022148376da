/**
 * A transcript is a text of command lines and what came of each:
 *
 * ```
 * # A heading, or a remark: kept as it is.
 * $ NAME=value vault-cli service add api --bearer-stdin
 * < a line of standard input
 * = key "id": "(\w+)"
 * ? ^vault_
 * ^C after 2 lines
 * a line of standard output
 * ! a line of standard error
 * [1]
 * ```
 *
 * `= key pattern` keeps what the pattern's group found in the output, for `{key}` in later lines. `? pattern` leaves out
 * lines of standard output that it does not fit. `^C` interrupts what would go on. The last line is the exit code, left
 * out if it is 0. All but `#`, `$`, `<`, `=`, `?`, `^C` and blank lines is written anew by `npm run transcripts`.
 */
export interface Step {
  /** Remarks and blank lines before it. */
  readonly before: readonly string[];
  /** As written, without `$ `. */
  readonly command: string;
  readonly input: readonly string[];
  readonly captures: readonly { readonly key: string; readonly pattern: string }[];
  /** Which lines of standard output count. */
  readonly shown?: string;
  /** So many lines of standard output, and then Ctrl-C. */
  readonly interruptAfterLines?: number;
}

export interface Transcript {
  readonly steps: readonly Step[];
  /** Remarks after the last one. */
  readonly after: readonly string[];
}

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | string;
}

interface OpenStep extends Step {
  readonly input: string[];
  readonly captures: { key: string; pattern: string }[];
  shown?: string;
  interruptAfterLines?: number;
}

export function parseTranscript(text: string): Transcript {
  const steps: Step[] = [];
  let remarks: string[] = [];
  let current: OpenStep | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith("$ ")) {
      current = { before: remarks, command: line.slice(2), input: [], captures: [] };
      steps.push(current);
      remarks = [];
    } else if (line.startsWith("# ")) remarks.push(line);
    else if (line.startsWith("< ")) current?.input.push(line.slice(2));
    else if (line.startsWith("= ")) {
      const [, key = "", pattern = ""] = /^= (\S+) (.+)$/.exec(line) ?? [];
      current?.captures.push({ key, pattern });
    } else if (line.startsWith("? ") && current !== undefined) current.shown = line.slice(2);
    else if (line.startsWith("^C after ") && current !== undefined) {
      current.interruptAfterLines = Number.parseInt(line.slice("^C after ".length), 10);
    }
  }
  return { steps, after: remarks };
}

export function renderTranscript(transcript: Transcript, outcomes: readonly Outcome[]): string {
  const blocks = transcript.steps.map((step, index) => {
    const outcome = outcomes[index];
    const lines = [
      ...step.before.flatMap((remark) => [remark, ""]),
      `$ ${step.command}`,
      ...step.input.map((line) => `< ${line}`),
      ...step.captures.map(({ key, pattern }) => `= ${key} ${pattern}`),
      ...(step.shown === undefined ? [] : [`? ${step.shown}`]),
      ...(step.interruptAfterLines === undefined
        ? []
        : [`^C after ${String(step.interruptAfterLines)} lines`]),
      ...(outcome === undefined ? [] : outcomeLines(outcome)),
    ];
    return lines.join("\n");
  });
  return `${[...blocks, ...transcript.after].join("\n\n")}\n`;
}

function outcomeLines({ stdout, stderr, code }: Outcome): string[] {
  return [
    ...linesOf(stdout).map(protect),
    ...linesOf(stderr).map((line) => `! ${line}`.trimEnd()),
    ...(code === 0 ? [] : [`[${String(code)}]`]),
  ];
}

/** Output that would read as something else is indented. */
function protect(line: string): string {
  return /^(?:[$#<=!?] |\^C |\[\d+\]$|$)/.test(line) ? `  ${line}`.trimEnd() || "  ." : line.trimEnd();
}

function linesOf(text: string): string[] {
  if (text === "") return [];
  return (text.endsWith("\n") ? text.slice(0, -1) : `${text}(no line end)`).split("\n");
}

/** Words as a shell splits them: single and double quotes, nothing expanded. */
export function shellWords(command: string): string[] {
  const words: string[] = [];
  for (const [, word = ""] of command.matchAll(/((?:[^\s'"]|'[^']*'|"[^"]*")+)/g)) {
    words.push(
      word.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ""),
    );
  }
  return words;
}
