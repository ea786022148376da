const KIB = 1024;
const MIB = 1024 * KIB;

/** What the audit log takes of memory, disk and time. */
export const AUDIT_LIMITS = {
  /** Lines that wait to be written, and their characters: beyond, calls wait. */
  queueLines: 10_000,
  queueBytes: 8 * MIB,
  /** Entries that wait for room in the queue: beyond, they are refused at once. */
  waitingEntries: 10_000,
  /** How long anything waits for the disk before it is refused. */
  waitMs: 5_000,
  /** Lines are written together: after so long, or once there are so many bytes of them. */
  batchMs: 100,
  batchBytes: 256 * KIB,
  /** After a write that failed. */
  retryMs: 500,
  fileBytes: 100 * MIB,
  /** `audit.jsonl` and those rotated out. */
  files: 10,
} as const;

export type AuditLimits = Readonly<Record<keyof typeof AUDIT_LIMITS, number>>;

/** Characters of an entry's texts; a longer one is cut, and says by how much. */
export const ENTRY_LIMITS = {
  name: 256,
  path: 2_048,
  justification: 500,
  /** Commands, remote paths and whatever else says what was done. */
  detail: 4_096,
  /** Details an action may have; a test holds the table of actions to it. */
  details: 8,
} as const;

/** One line. An entry at all its limits, every character escaped, takes less. */
export const LINE_BYTES = 256 * KIB;

/** Bytes that one look into the log reads at once, and what a query may read in all before it answers with what it has. */
export const QUERY_LIMITS = {
  blockBytes: 64 * KIB,
  scannedBytes: 64 * MIB,
  entries: 1_000,
} as const;
