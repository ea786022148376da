import type { Writable } from "node:stream";
import pc from "picocolors";

import { CliError, type Failure } from "./failures.js";
import { writeFailureText } from "./write-failure.js";
import { fittedTable } from "./fitted-table.js";
import { terminalLines } from "./terminal-lines.js";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface OutputStream extends Writable {
  readonly isTTY?: boolean;
  /** Of a terminal. */
  readonly columns?: number;
}

/** Results go to stdout, everything else to stderr. Whatever text is given, none but `bytes` can move a cursor. */
export interface Output {
  readonly json: boolean;
  /** Whether only results, warnings and errors are wanted. */
  readonly quiet: boolean;
  /** Whether a person reads stdout. */
  readonly onTerminal: boolean;
  /** One line of the result. */
  result(line: string): void;
  /**
   * A sentence of the result, for a person: a terminal shows whole words of it, and one that is alarming stands out.
   * @param indent of its further lines
   */
  prose(line: string, indent?: number, tone?: "alarming"): void;
  /** That something was done, which its exit code says as well. */
  confirm(line: string): void;
  /** One line of the result, with a coloured word before it, and what to do about it below. */
  verdict(status: "ok" | "warn" | "fail", line: string, mend?: string): void;
  /** The whole result as JSON. */
  data(value: unknown): void;
  /** One of many results, as JSON on one line, at the reader's pace. */
  jsonLine(value: unknown): Promise<void>;
  /** `line`, or `value` as JSON, which nobody can ask for again: rejects if it cannot be written. */
  deliver(line: string, value: unknown): Promise<void>;
  /**
   * Rows under a heading, cut to the width of the terminal; a note says which columns that left out. Whole ones are not
   * cut, whatever the terminal makes of them.
   */
  table(
    head: readonly string[],
    rows: readonly (readonly string[])[],
    room?: "as wide as the terminal" | "whole",
  ): Promise<void>;
  /** Raw bytes of the result, at the reader's pace; or those that a remote program has for standard error. */
  bytes(chunk: Uint8Array, to?: "stdout" | "stderr"): Promise<void>;
  note(line: string): void;
  /** What a person is to read and type: on a terminal in a frame. */
  callout(text: string): void;
  warn(line: string): void;
  failure(failure: Failure): void;
}

/** Under the sentence, not under the word before it. */
const VERDICT_INDENT = 6;

export interface OutputOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Environment;
  readonly json: boolean;
  /** Leaves out confirmations and notes. */
  readonly quiet?: boolean;
}

export function createOutput({ stdout, stderr, env, json, quiet = false }: OutputOptions): Output {
  const colours = pc.createColors(wantsColour(stderr, env));
  /** Colours are this module's own; the rest of a line must be printable already. */
  const say = (line: string): void => {
    stderr.write(`${terminalLines(line, columnsOf(stderr))}\n`);
  };
  const prose = (line: string, indent?: number, tone?: "alarming"): void => {
    const shown = terminalLines(printable(line), columnsOf(stdout), indent);
    stdout.write(`${tone === "alarming" ? pc.createColors(wantsColour(stdout, env)).red(shown) : shown}\n`);
  };
  const toJson = (value: unknown): string => asciiControls(JSON.stringify(value, null, 2));
  return {
    json,
    quiet,
    onTerminal: stdout.isTTY === true,
    result: (line) => {
      stdout.write(`${printable(line)}\n`);
    },
    confirm: (line) => {
      if (!quiet) prose(line);
    },
    prose,
    verdict: (status, line, mend) => {
      const onStdout = pc.createColors(wantsColour(stdout, env));
      const colour = { ok: onStdout.green, warn: onStdout.yellow, fail: onStdout.red }[status];
      const text = `${status.padEnd(4)}  ${printable(line)}`;
      const lines = terminalLines(text, columnsOf(stdout), VERDICT_INDENT);
      stdout.write(`${colour(lines.slice(0, status.length))}${lines.slice(status.length)}\n`);
      if (mend !== undefined) prose(`${" ".repeat(VERDICT_INDENT)}→ ${mend}`, VERDICT_INDENT + "→ ".length);
    },
    data: (value) => {
      stdout.write(`${toJson(value)}\n`);
    },
    deliver: (line, value) => writeOrReject(stdout, `${json ? toJson(value) : printable(line)}\n`),
    table: async (head, rows, room = "as wide as the terminal") => {
      const shown = rows.map((row) => row.map(printable));
      const width = room === "whole" ? undefined : columnsOf(stdout);
      const fitted =
        width === undefined ? { head, rows: shown, dropped: [] } : fittedTable(head, shown, width);
      stdout.write(`${await layOut(fitted.head, fitted.rows, wantsColour(stdout, env))}\n`);
      if (fitted.dropped.length > 0 && !quiet) {
        say(`There is no room for ${fitted.dropped.join(", ")}: see --json.`);
      }
    },
    jsonLine: (value) => write(stdout, `${asciiControls(JSON.stringify(value))}\n`),
    bytes: (chunk, to = "stdout") => write(to === "stdout" ? stdout : stderr, chunk),
    note: (line) => {
      if (!quiet) say(printable(line));
    },
    callout: (text) => {
      const shown = printable(text);
      const rule = "─".repeat(shown.length + 6);
      if (stderr.isTTY !== true) say(`\n    ${shown}\n`);
      else say(`\n    ╭${rule}╮\n    │   ${colours.bold(shown)}   │\n    ╰${rule}╯\n`);
    },
    warn: (line) => {
      say(`${colours.yellow("warning:")} ${printable(line)}`);
    },
    failure: (failure) => {
      if (json) {
        const { message, hint, code, status, requestId } = failure;
        say(asciiControls(JSON.stringify({ error: message, code, status, hint, request_id: requestId })));
        return;
      }
      const label = colours.red("error:");
      const message = printable(failure.message);
      const hint = failure.hint === undefined ? undefined : printable(failure.hint);
      if (hint === undefined) say(`${label} ${message}`);
      else if (failure.exitCode === 2) say(`${label} ${message}\nhint: ${hint}`);
      else say(`${label} ${message}: ${hint}`);
    },
  };
}

/** Of a terminal; undefined elsewhere, and of one that does not tell. */
function columnsOf({ isTTY, columns = 0 }: OutputStream): number | undefined {
  return isTTY === true && columns > 0 ? columns : undefined;
}

async function write(stream: OutputStream, chunk: string | Uint8Array): Promise<void> {
  if (stream.write(chunk)) return;
  await new Promise<void>((resolve) => stream.once("drain", resolve));
}

/**
 * While it waits it listens for the stream's errors, and goes on after one: by that {@link endWhereNobodyReads} knows
 * that the failure is dealt with here.
 */
async function writeOrReject(stream: OutputStream, text: string): Promise<void> {
  const dealtWithHere = (): void => undefined;
  stream.on("error", dealtWithHere);
  await new Promise<void>((resolve, reject) => {
    stream.write(text, (error) => (error instanceof Error ? reject(error) : resolve()));
  });
  stream.off("error", dealtWithHere);
}

/**
 * A reader that has enough (`vault-cli … | head`) is no failure, a full disk is one. Neither is told to `end` where
 * whoever writes listens for errors as well.
 */
export function endWhereNobodyReads(stream: OutputStream, end: (failure?: CliError) => void): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (stream.listenerCount("error") > 1) return;
    end(error.code === "EPIPE" ? undefined : new CliError(writeFailureText(error)));
  });
}

/** See https://no-color.org: any value but the empty one turns colours off. */
function wantsColour(stream: OutputStream, env: Environment): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}

/** What the server sends may not move the cursor of the terminal that shows it, nor begin a line of its own. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, "?");
}

/** JSON escapes the controls below U+0020 by itself. The others can stand in its strings only, where they mean the same escaped. */
function asciiControls(json: string): string {
  return json.replace(/[\u007f-\u009f]|\p{Cf}/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => {
      return `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
    }).join(""),
  );
}

const NO_BORDERS = Object.fromEntries(
  ["top", "bottom", "left", "right", "mid"].flatMap((side) =>
    ["", "-mid", "-left", "-right"].map((joint) => [`${side}${joint}`, ""]),
  ),
);

async function layOut(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  coloured: boolean,
): Promise<string> {
  const { default: Table } = await import("cli-table3");
  const colours = pc.createColors(coloured);
  const table = new Table({
    head: head.map((title) => colours.bold(title)),
    chars: { ...NO_BORDERS, middle: "" },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
