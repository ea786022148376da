import { setTimeout as delay } from "node:timers/promises";
import type { AuditEntry, AuditOptions, VaultClient } from "@vault-proxy/client";
import { PAGE_ENTRIES, latestEntries } from "./audit-pages.js";

const POLL_MS = 1000;

export interface Following {
  /** How many of the entries that are there come first. */
  readonly tail: number;
  /** None of them is older, in milliseconds since the epoch. */
  readonly sinceMs?: number | undefined;
  readonly signal: AbortSignal;
  readonly pollMs?: number;
}

/** Gives the entries that come, the oldest first, behind the last of those that are there. Ends with the signal. */
export async function* followAudit(
  client: Pick<VaultClient, "listAudit">,
  filter: AuditOptions,
  { tail, sinceMs, signal, pollMs = POLL_MS }: Following,
): AsyncGenerator<AuditEntry> {
  const entries = await latestEntries(client, { ...filter, signal }, Math.max(tail, 1), sinceMs);
  let last = entries.at(-1)?.seq ?? (await newestSeq(client, filter, signal));
  yield* entries.slice(entries.length - Math.min(tail, entries.length));
  for (;;) {
    await delay(pollMs, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
    const fresh = await entriesBehind(client, filter, last, signal);
    last = fresh.at(-1)?.seq ?? last;
    yield* fresh;
  }
}

/** Of what is too old to be shown, and not to be read with each look. */
async function newestSeq(
  client: Pick<VaultClient, "listAudit">,
  filter: AuditOptions,
  signal: AbortSignal,
): Promise<number> {
  const [newest] = await latestEntries(client, { ...filter, signal }, 1);
  return newest?.seq ?? 0;
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
