import { z } from "zod";
import type { AuditKey } from "./audit-key.js";
import { QUERY_LIMITS } from "./audit-limits.js";
import { piecesBackward } from "./backward-lines.js";
import { parseLine, type ChainLine } from "./chain.js";
import { closeLog, openLog } from "./open-log.js";
import { linesBefore } from "./seek-line.js";
import { mayLackMac } from "./without-mac.js";

/** An entry as it stands in the log, without the chain's fields. What else it has goes by its action. */
export const recordedEntrySchema = z.looseObject({
  /** Its number in the log. */
  seq: z.number(),
  /** RFC 3339, UTC, milliseconds. */
  time: z.string(),
  action: z.string(),
  /** Of what only an unlocked vault does, without a MAC of this vault: somebody else wrote it. */
  unverified: z.literal(true).optional(),
});

export type RecordedEntry = z.infer<typeof recordedEntrySchema>;

/** Of an entry all that is given must fit. */
export interface AuditFilter {
  readonly service?: string | undefined;
  /** The start of a token's id, as short as one likes; `...` at its end is ignored. */
  readonly token?: string | undefined;
  /** An action, or the noun before its dot: `ssh` is all of `ssh.exec`, `ssh.upload`, … */
  readonly action?: string | undefined;
  readonly decision?: "allow" | "deny" | undefined;
}

export interface AuditQuery extends AuditFilter {
  /** Entries with lower numbers only. */
  readonly before?: number | undefined;
  /** Milliseconds since the epoch: nothing from before. */
  readonly since?: number | undefined;
  readonly limit: number;
}

export interface AuditPage {
  /** Newest first. */
  readonly entries: readonly RecordedEntry[];
  /** `before` of the query that goes on where this one stopped; undefined at the end of the log. */
  readonly next: number | undefined;
}

export interface AuditQueryOptions {
  /** Of the vault; with them entries that somebody else wrote are told apart. They stay the caller's. */
  readonly keys?: readonly AuditKey[] | undefined;
  /** What tests make smaller. */
  readonly scannedBytes?: number | undefined;
  /** What tests watch. */
  readonly open?: typeof openLog | undefined;
}

/**
 * The newest entries that fit. It reads so many bytes at most, whatever is asked for: a page may be short, or empty, and
 * still have a `next`. It costs as much as the page has, wherever in the log it is.
 *
 * @throws the operating system's error.
 */
export async function queryAudit(
  directory: string,
  query: AuditQuery,
  { keys, scannedBytes = QUERY_LIMITS.scannedBytes, open = openLog }: AuditQueryOptions = {},
): Promise<AuditPage> {
  const limit = Math.min(query.limit, QUERY_LIMITS.entries);
  const entries: RecordedEntry[] = [];
  let scanned = 0;
  let next: number | undefined;
  const files = await open(directory);
  try {
    const parts = await linesBefore(files, query.before);
    for (const { handle, size } of parts.toReversed()) {
      for await (const { bytes } of piecesBackward(handle, size, QUERY_LIMITS.blockBytes)) {
        if (next !== undefined && (entries.length >= limit || scanned >= scannedBytes))
          return { entries, next };
        scanned += bytes.length;
        const entry = recordedEntry(bytes, keys);
        if (entry === undefined || entry.seq >= (query.before ?? Infinity)) continue;
        if (query.since !== undefined && Date.parse(entry.time) < query.since)
          return { entries, next: undefined };
        next = entry.seq;
        if (fits(entry, query)) entries.push(entry);
      }
    }
    return { entries, next: undefined };
  } finally {
    await closeLog(files);
  }
}

/** Undefined for what is no line of a log, such as one that is being written. */
function recordedEntry(bytes: Uint8Array, keys?: readonly AuditKey[]): RecordedEntry | undefined {
  const line = bytes.length === 0 ? undefined : parseLine(bytes);
  if (line === undefined) return undefined;
  const { prev: _prev, mac: _mac, unverified: _unverified, ...fields } = line.fields;
  const isForeign = keys !== undefined && !mayLackMac(fields) && !isOfVault(line, keys);
  return recordedEntrySchema.safeParse(isForeign ? { ...fields, unverified: true } : fields).data;
}

function isOfVault({ mac }: ChainLine, keys: readonly AuditKey[]): boolean {
  return mac !== undefined && keys.find(({ id }) => id === mac.keyId)?.mac(mac.covered) === mac.value;
}

function fits(entry: RecordedEntry, { service, token, action, decision }: AuditFilter): boolean {
  return (
    (service === undefined || entry.service === service) &&
    (decision === undefined || entry.decision === decision) &&
    (action === undefined || entry.action === action || entry.action.startsWith(`${action}.`)) &&
    (token === undefined || isTokenOf(entry, token.replace(/\.\.\.$/, "")))
  );
}

/** What is asked for may be longer than what is recorded of a token, or shorter. */
function isTokenOf({ token }: RecordedEntry, prefix: string): boolean {
  return typeof token === "string" && (token.startsWith(prefix) || prefix.startsWith(token));
}
