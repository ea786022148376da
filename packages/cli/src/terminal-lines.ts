import { columnsOf } from "./terminal-width.js";

/**
 * A text as a terminal of so many columns shows it whole words of: broken at spaces, where a terminal would break within
 * a word. What has no space, such as an address, stays in one piece, so that it can be copied.
 * @param columns undefined where nothing is to be broken
 * @param indent of the lines that come of a break; otherwise that of the line which is broken
 */
export function terminalLines(text: string, columns: number | undefined, indent?: number): string {
  if (columns === undefined) return text;
  return text
    .split("\n")
    .map((line) => brokenLine(line, columns, indent))
    .join("\n");
}

function brokenLine(line: string, columns: number, indent: number | undefined): string {
  if (columnsOf(line) <= columns) return line;
  const [own = ""] = /^ */.exec(line) ?? [];
  const margin = indent === undefined ? own : " ".repeat(indent);
  const lines: string[] = [];
  let current = own;
  let isEmpty = true;
  // The spaces between two words are theirs, as in a table of two columns.
  for (const [, gap = "", word = ""] of line.slice(own.length).matchAll(/( *)([^ ]+)/g)) {
    if (!isEmpty && columnsOf(current + gap + word) > columns) {
      lines.push(current);
      current = margin + word;
    } else current += gap + word;
    isEmpty = false;
  }
  return [...lines, current].join("\n");
}
