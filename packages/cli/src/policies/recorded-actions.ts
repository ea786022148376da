import type { AuditEntry, VaultClient } from "@vault-proxy/client";
import type { Action } from "@vault-proxy/server/policies";

import { CliError } from "../failures.js";
import { counted } from "../vault-content-text.js";

/** Entries that are asked for at a time. */
const PAGE = 1000;

export interface RecordedActions {
  /** The oldest first. */
  readonly actions: readonly Action[];
  /** Uses of which the log does not tell all: it was masked or cut. */
  readonly incomplete: number;
  /** Uses that no unlocked vault recorded: left out, since somebody else wrote them. */
  readonly unverified: number;
}

export interface RecordedActionsQuery {
  /** A token's name, or the beginning of its id. Without it, of all tokens. */
  readonly token?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** What the audit log says that was allowed and done. */
export async function readRecordedActions(
  client: VaultClient,
  query: RecordedActionsQuery,
): Promise<RecordedActions> {
  const { recordedAction } = await import("@vault-proxy/server/policies");
  const actions: Action[] = [];
  let incomplete = 0;
  let unverified = 0;
  for await (const entry of entriesBackward(client, query)) {
    const read = recordedAction(entry);
    if (read.kind !== "other" && entry.unverified === true) unverified += 1;
    else if (read.kind === "action") actions.push(read.action);
    else if (read.kind === "incomplete") incomplete += 1;
  }
  return { actions: actions.reverse(), incomplete, unverified };
}

async function* entriesBackward(
  client: VaultClient,
  { token, since }: RecordedActionsQuery,
): AsyncGenerator<AuditEntry> {
  const isPrefix = token?.startsWith("tok_") === true;
  let before: number | undefined;
  do {
    const page = await client.listAudit({
      ...{ limit: PAGE, decision: "allow", before },
      // No more of it than the log has: a whole token would be a secret in a request target.
      token: isPrefix ? token.slice(0, 12) : undefined,
    });
    for (const entry of page.entries) {
      if (Date.parse(entry.time) < since) return;
      if (token === undefined || isPrefix || entry.token_name === token) yield entry;
    }
    if (page.next !== undefined && before !== undefined && page.next >= before) {
      throw new CliError("the answer is no page of a vault-server's audit log");
    }
    before = page.next;
  } while (before !== undefined);
}

/** What is to be said of uses that were left out; undefined if there are none. */
export function leftOutText({ unverified }: Pick<RecordedActions, "unverified">): string | undefined {
  if (unverified === 0) return undefined;
  const uses = counted(unverified, "use has", "uses have");
  return `${uses} no MAC of this vault, as if somebody else had written them: left out (see audit verify)`;
}
