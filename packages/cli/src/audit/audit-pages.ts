import type { AuditEntry, AuditOptions, AuditPage, VaultClient } from "@vault-proxy/client";

/** Of one request; the server gives no more. */
export const PAGE_ENTRIES = 1000;

type AuditClient = Pick<VaultClient, "listAudit">;

/**
 * The newest `limit` entries, the oldest of them first. A page of the server may be short, or empty, and have another.
 * @param sinceMs nothing older, in milliseconds since the epoch
 */
export async function latestEntries(
  client: AuditClient,
  filter: AuditOptions,
  limit: number,
  sinceMs = Number.NEGATIVE_INFINITY,
): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  let before: number | undefined;
  do {
    const page: AuditPage = await client.listAudit({
      ...filter,
      limit: Math.min(limit - found.length, PAGE_ENTRIES),
      ...(before === undefined ? {} : { before }),
    });
    const recent = page.entries.filter((entry) => isSince(entry, sinceMs));
    found.push(...recent);
    before = recent.length < page.entries.length ? undefined : page.next;
  } while (before !== undefined && found.length < limit);
  return found.reverse();
}

/**
 * All entries that there are by now, the oldest first. The log is walked twice, since it can be read from its end only:
 * first for where the pages begin, so that no more than one of them is held in memory.
 */
export async function* allEntries(
  client: AuditClient,
  filter: AuditOptions,
  sinceMs = Number.NEGATIVE_INFINITY,
): AsyncGenerator<AuditEntry> {
  const newest = (await client.listAudit({ limit: 1 })).entries[0];
  if (newest === undefined) return;
  const starts: number[] = [];
  let before: number | undefined = newest.seq + 1;
  while (before !== undefined) {
    starts.push(before);
    const page: AuditPage = await client.listAudit({ ...filter, limit: PAGE_ENTRIES, before });
    before = page.entries.every((entry) => isSince(entry, sinceMs)) ? page.next : undefined;
  }
  for (const start of starts.reverse()) {
    const { entries } = await client.listAudit({ ...filter, limit: PAGE_ENTRIES, before: start });
    yield* entries.filter((entry) => isSince(entry, sinceMs)).reverse();
  }
}

function isSince({ time }: AuditEntry, sinceMs: number): boolean {
  return sinceMs === Number.NEGATIVE_INFINITY || Date.parse(time) >= sinceMs;
}
