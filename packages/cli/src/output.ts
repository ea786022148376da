import type { Writable } from "node:stream";
import pc from "picocolors";

import type { Failure } from "./failures.js";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface OutputStream extends Writable {
  readonly isTTY?: boolean;
}

/** Results go to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean;
  /** Whether a person reads stdout. */
  readonly onTerminal: boolean;
  /** One line of the result. */
  result(line: string): void;
  /** The whole result as JSON. */
  data(value: unknown): void;
  /** Rows under a heading; for terminals. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): Promise<void>;
  /** Raw bytes of the result, at the reader's pace. */
  bytes(chunk: Uint8Array): Promise<void>;
  note(line: string): void;
  warn(line: string): void;
  failure(failure: Failure): void;
}

export interface OutputOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Environment;
  readonly json: boolean;
}

export function createOutput({ stdout, stderr, env, json }: OutputOptions): Output {
  const colours = pc.createColors(wantsColour(stderr, env));
  const say = (line: string): void => {
    stderr.write(`${line}\n`);
  };
  return {
    json,
    onTerminal: stdout.isTTY === true,
    result: (line) => {
      stdout.write(`${line}\n`);
    },
    data: (value) => {
      stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
    table: async (head, rows) => {
      stdout.write(`${await layOut(head, rows, wantsColour(stdout, env))}\n`);
    },
    bytes: async (chunk) => {
      if (stdout.write(chunk)) return;
      await new Promise<void>((resolve) => stdout.once("drain", resolve));
    },
    note: say,
    warn: (line) => {
      say(`${colours.yellow("warning:")} ${line}`);
    },
    failure: (failure) => {
      if (json) {
        const { message, hint, code, status, requestId } = failure;
        say(JSON.stringify({ error: message, code, status, hint, request_id: requestId }));
        return;
      }
      const label = colours.red("error:");
      if (failure.hint === undefined) say(`${label} ${failure.message}`);
      else if (failure.exitCode === 2) say(`${label} ${failure.message}\nhint: ${failure.hint}`);
      else say(`${label} ${failure.message}: ${failure.hint}`);
    },
  };
}

/** See https://no-color.org: any value but the empty one turns colours off. */
function wantsColour(stream: OutputStream, env: Environment): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}

/** What the server sends may not move the cursor of the terminal that shows it. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, "?");
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
  table.push(...rows.map((row) => row.map(printable)));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
