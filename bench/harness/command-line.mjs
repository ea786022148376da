import { parseArgs } from "node:util";
import { ScriptError } from "../../scripts/run-process.mjs";

export const USAGE = `Usage: pnpm bench [--quick] [--json FILE] [ROW…]
       pnpm bench --list

Measures the rows that are named, or all but the extra ones, side by side with what people would use instead.
A full run of all writes bench/RESULTS.md.

  --quick      fewer and shorter turns: less than two minutes for all
  --json FILE  writes all figures to this file, too
  --list       tells the rows
  --help       tells this

Another server beside them: VAULT_BENCH_PEER="name=command,url,header" (see bench/README.md).
`;

/**
 * @typedef {{ isQuick: boolean, json: string | undefined, rows: string[] }} Choice `rows` is empty for all.
 *
 * @param {readonly string[]} args
 * @param {readonly string[]} known The names of all rows.
 * @returns {{ kind: "help" } | { kind: "list" } | { kind: "run", choice: Choice }}
 * @throws {ScriptError} About what is wrong.
 */
export function parseCommandLine(args, known) {
  const { values, positionals } = flagsOf(args);
  if (values.help) return { kind: "help" };
  if (values.list) return { kind: "list" };
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new ScriptError(`no such row: ${unknown.join(", ")} (--list tells them)`);
  return { kind: "run", choice: { isQuick: values.quick, json: values.json, rows: positionals } };
}

/** @param {readonly string[]} args */
function flagsOf(args) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        json: { type: "string" },
        list: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new ScriptError(error instanceof Error ? error.message : String(error));
  }
}
