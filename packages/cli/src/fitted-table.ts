import { columnsOf, cutToColumns } from "./terminal-width.js";

/** Between two columns. */
const GAP = 2;
/** No cell is cut shorter than this. */
const SHORTEST_CELL = 8;

export interface FittedTable {
  /** Titles of the columns that there is room for. */
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Titles of those that there is none for. */
  readonly dropped: readonly string[];
}

/**
 * A table whose rows are a line each in so many columns of a terminal: long cells are cut, those of the widest column
 * first; where that is not enough, the last columns are left out. The first, by which a row is named, stays whole. A
 * column that is empty in all rows is left out, which needs no word.
 */
export function fittedTable(
  titles: readonly string[],
  cells: readonly (readonly string[])[],
  width: number,
): FittedTable {
  const filled = titles.flatMap((_, column) =>
    column === 0 || cells.length === 0 || cells.some((row) => (row[column] ?? "") !== "") ? [column] : [],
  );
  const head = filled.map((column) => titles[column] ?? "");
  const rows = cells.map((row) => filled.map((column) => row[column] ?? ""));
  const natural = head.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? "")].map(columnsOf)),
  );
  for (let count = head.length; ; count--) {
    const widths = fittedWidths(natural.slice(0, count), head, width);
    if (widths === undefined && count > 1) continue;
    const kept = widths ?? natural.slice(0, 1);
    return {
      head: head.slice(0, count),
      rows: rows.map((row) => kept.map((room, column) => cutToColumns(row[column] ?? "", room))),
      dropped: head.slice(count),
    };
  }
}

/** @returns undefined where they do not fit even when cut */
function fittedWidths(
  natural: readonly number[],
  head: readonly string[],
  width: number,
): number[] | undefined {
  const widths = [...natural];
  const room = width - GAP * (widths.length - 1);
  for (let excess = sum(widths) - room; excess > 0; excess--) {
    const shrinking = widths
      .map((cell, column) => ({ cell, column }))
      .filter(
        ({ cell, column }) => column > 0 && cell > Math.max(SHORTEST_CELL, columnsOf(head[column] ?? "")),
      )
      .reduce<{ cell: number; column: number } | undefined>(
        (widest, each) => (widest === undefined || each.cell >= widest.cell ? each : widest),
        undefined,
      );
    if (shrinking === undefined) return undefined;
    widths[shrinking.column] = shrinking.cell - 1;
  }
  return widths;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
