import type { AuditEntry } from "@vault-proxy/client";
import { columnsOf, cutToColumns } from "../terminal-width.js";
import { resultOf, whatOf } from "./entry-row.js";
import { localTime } from "./local-time.js";

/** Widths of the columns that all lines have; the rest of a line is as long as it is. */
const COLUMNS = { token: 12, action: 12 } as const;

/** An entry as one line for a person, in columns that stand below each other whatever comes next: for logs that go on. */
export function entryLine(entry: AuditEntry): string {
  const { time, token, token_name, action, service } = entry;
  return [
    localTime(time),
    fitted(token_name ?? token ?? "-", COLUMNS.token),
    action.padEnd(COLUMNS.action),
    [resultOf(entry), service, whatOf(entry)].filter((part) => part !== undefined && part !== "").join("  "),
  ]
    .join(" ")
    .trimEnd();
}

function fitted(text: string, width: number): string {
  const shown = cutToColumns(text, width);
  return shown + " ".repeat(width - columnsOf(shown));
}
