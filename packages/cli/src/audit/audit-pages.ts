import type { AuditEntry, AuditOptions, AuditPage, VaultClient } from "@vault-proxy/client";

/** Of one request; the server gives no more. */
export const PAGE_ENTRIES = 1000;

type AuditClient = Pick<VaultClient, "listAudit">;

/** The newest `limit` entries, the oldest of them first. A page of the server may be short, or empty, and have another. */
export async function latestEntries(
  client: AuditClient,
  filter: AuditOptions,
  limit: number,
): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  let before: number | undefined;
  do {
    const page: AuditPage = await client.listAudit({
      ...filter,
      limit: Math.min(limit - found.length, PAGE_ENTRIES),
      ...(before === undefined ? {} : { before }),
    });
    found.push(...page.entries);
    before = page.next;
  } while (before !== undefined && found.length < limit);
  return found.reverse();
}

/**
 * All entries that there are by now, the oldest first. The log is walked twice, since it can be read from its end only:
 * first for where the pages begin, so that no more than one of them is held in memory.
 */
export async function* allEntries(client: AuditClient, filter: AuditOptions): AsyncGenerator<AuditEntry> {
  const newest = (await client.listAudit({ limit: 1 })).entries[0];
  if (newest === undefined) return;
  const starts: number[] = [];
  let before: number | undefined = newest.seq + 1;
  while (before !== undefined) {
    starts.push(before);
    before = (await client.listAudit({ ...filter, limit: PAGE_ENTRIES, before })).next;
  }
  for (const start of starts.reverse()) {
    const { entries } = await client.listAudit({ ...filter, limit: PAGE_ENTRIES, before: start });
    yield* entries.toReversed();
  }
}
