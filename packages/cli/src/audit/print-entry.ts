import type { AuditEntry } from "@vault-proxy/client";
import type { Output } from "../output.js";
import { entryLine } from "./entry-line.js";

/** Columns that the further lines of a long entry are set in, so that each entry is seen to begin. */
const FURTHER_LINES = 4;

/** One entry of several: a line for a person, or a JSON object on one line. */
export async function printEntry(output: Output, entry: AuditEntry): Promise<void> {
  if (output.json || !output.onTerminal) await output.jsonLine(entry);
  else output.prose(entryLine(entry), FURTHER_LINES, entry.decision === "deny" ? "alarming" : undefined);
}
