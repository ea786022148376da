/**
 * A transcript is a text of command lines and what came of each:
 *
 * ```
 * # A heading, or a remark: kept as it is.
 * $ NAME=value vault-cli service add api --bearer-stdin
 * < a line of standard input
 * = key "id": "(\w+)"
 * a line of standard output
 * ! a line of standard error
 * [1]
 * ```
 *
 * `= key pattern` keeps what the pattern's group found in the output, for `{key}` in later lines. The last line is the exit
 * code, left out if it is 0. All but `#`, `$`, `<`, `=` and blank lines is written anew by `npm run transcripts`.
 */
export interface Step {
  /** Remarks and blank lines before it. */
  readonly before: readonly string[];
  /** As written, without `$ `. */
  readonly command: string;
  readonly input: readonly string[];
  readonly captures: readonly { readonly key: string; readonly pattern: string }[];
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

export function parseTranscript(text: string): Transcript {
  const steps: Step[] = [];
  let remarks: string[] = [];
  let current: { input: string[]; captures: { key: string; pattern: string }[] } | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith("$ ")) {
      current = { input: [], captures: [] };
      steps.push({ before: remarks, command: line.slice(2), ...current });
      remarks = [];
    } else if (line.startsWith("# ")) remarks.push(line);
    else if (line.startsWith("< ")) current?.input.push(line.slice(2));
    else if (line.startsWith("= ")) {
      const [, key = "", pattern = ""] = /^= (\S+) (.+)$/.exec(line) ?? [];
      current?.captures.push({ key, pattern });
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
  return /^(?:[$#<=!] |\[\d+\]$|$)/.test(line) ? `  ${line}`.trimEnd() || "  ." : line.trimEnd();
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
