import { setTimeout as delay } from "node:timers/promises";
import type { AuditEntry, AuditOptions, VaultClient } from "@vault-proxy/client";
import { PAGE_ENTRIES, latestEntries } from "./audit-pages.js";

const POLL_MS = 1000;

/** Gives the entries that come, the oldest first, behind the last `tail` of those that are there. Ends with the signal. */
export async function* followAudit(
  client: Pick<VaultClient, "listAudit">,
  filter: AuditOptions,
  { tail, signal, pollMs = POLL_MS }: { tail: number; signal: AbortSignal; pollMs?: number },
): AsyncGenerator<AuditEntry> {
  const entries = await latestEntries(client, { ...filter, signal }, Math.max(tail, 1));
  let last = entries.at(-1)?.seq ?? 0;
  yield* entries.slice(entries.length - Math.min(tail, entries.length));
  for (;;) {
    await delay(pollMs, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
    const fresh = await entriesBehind(client, filter, last, signal);
    last = fresh.at(-1)?.seq ?? last;
    yield* fresh;
  }
}

async function entriesBehind(
  client: Pick<VaultClient, "listAudit">,
  filter: AuditOptions,
  last: number,
  signal: AbortSignal,
): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  let before: number | undefined;
  do {
    const page = await client.listAudit({
      ...filter,
      ...{ limit: PAGE_ENTRIES, signal },
      ...(before === undefined ? {} : { before }),
    });
    found.push(...page.entries.filter(({ seq }) => seq > last));
    before = page.next;
  } while (before !== undefined && before > last + 1);
  return found.reverse();
}
