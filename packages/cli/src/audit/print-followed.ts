import type { VaultClient } from "@vault-proxy/client";

import { InterruptedError } from "../failures.js";
import { untilInterrupted } from "../interruption.js";
import type { Output } from "../output.js";
import type { AuditSelection } from "./audit-filter.js";
import { followAudit } from "./follow-audit.js";
import { printEntry } from "./print-entry.js";

/**
 * Prints what comes, until a signal: that is how it is meant to end, and nothing to be told of.
 * @param tail how many of those that are there come first
 * @returns the exit code, that of the signal
 */
export async function printFollowed(
  client: Pick<VaultClient, "listAudit">,
  output: Output,
  { filter, sinceMs }: AuditSelection,
  tail: number,
): Promise<number> {
  try {
    return await untilInterrupted(async (signal) => {
      for await (const entry of followAudit(client, filter, { tail, sinceMs, signal }))
        await printEntry(output, entry);
      return 0;
    });
  } catch (error) {
    if (error instanceof InterruptedError) return error.exitCode;
    throw error;
  }
}
