import type { AuditEntry } from "@vault-proxy/client";
import type { Output } from "../output.js";
import { entryLine } from "./entry-line.js";

/** One entry of several: a line for a person, or a JSON object on one line. */
export async function printEntry(output: Output, entry: AuditEntry): Promise<void> {
  if (output.json || !output.onTerminal) await output.jsonLine(entry);
  else output.result(entryLine(entry), entry.decision === "deny" ? "alarming" : undefined);
}
