/** Tables, for a terminal and for a page. */
import { createRequire } from "node:module";
import { figure } from "./figure.mjs";
import { isReached } from "./row.mjs";

/**
 * @param {import("./row.mjs").RowResult} result
 * @returns {Promise<string>}
 */
export async function linesTable(result) {
  if ("failure" in result) return result.failure;
  return terminalTable(headingsOf(result.measured.lines), cellsOf(result.measured.lines));
}

/** @param {readonly import("./row.mjs").RowResult[]} results */
export async function targetsTable(results) {
  return terminalTable(TARGET_HEADINGS, targetCells(results));
}

const TARGET_HEADINGS = ["work", "what", "target", "measured", "reached"];

/**
 * @param {readonly import("./row.mjs").RowResult[]} results
 * @returns {string[][]} A line for each target; one for a row that failed.
 */
export function targetCells(results) {
  return results.flatMap((result) => {
    if ("failure" in result) return [[result.row.title, "", "", "", "failed"]];
    return result.measured.targets.map((target, index) => [
      index === 0 ? result.row.title : "",
      target.what,
      limitText(target),
      withUnit(target.measured, target.unit),
      isReached(target) ? "yes" : "**no**",
    ]);
  });
}

/** @param {import("./row.mjs").Target} target */
function limitText({ comparison, limit, then, unit }) {
  const next = then === undefined ? "" : `, then ${withUnit(then, unit)}`;
  return `${comparison} ${withUnit(limit, unit)}${next}`;
}

/**
 * @param {number} value
 * @param {string} unit
 */
function withUnit(value, unit) {
  return unit === "" ? figure(value) : `${figure(value)} ${unit}`;
}

/** @param {readonly import("./row.mjs").Line[]} lines */
export function headingsOf(lines) {
  return [...new Set(lines.flatMap((line) => Object.keys(line)))];
}

/**
 * @param {readonly import("./row.mjs").Line[]} lines
 * @returns {string[][]}
 */
export function cellsOf(lines) {
  const headings = headingsOf(lines);
  return lines.map((line) => headings.map((heading) => figure(line[heading])));
}

/**
 * @param {readonly string[]} headings
 * @param {readonly (readonly string[])[]} rows
 */
export function markdownTable(headings, rows) {
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(headings), line(headings.map(() => "---")), ...rows.map(line)].join("\n");
}

/**
 * @param {readonly string[]} headings
 * @param {readonly (readonly string[])[]} rows
 * @returns {Promise<string>}
 */
async function terminalTable(headings, rows) {
  const require = createRequire(new URL("../../packages/cli/package.json", import.meta.url));
  /** @type {typeof import("../../packages/cli/node_modules/cli-table3/index.js")} */
  const Table = require("cli-table3");
  const table = new Table({ head: [...headings], style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push(row.map((cell) => cell.replaceAll("**", "")));
  return table.toString();
}
