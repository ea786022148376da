import { z } from "zod";
import { Secret } from "../redaction/secret.js";
import { deriveAuditKey, type AuditKey } from "./audit-key.js";
import type { ChainEnd } from "./chain.js";

/** The record of the vault's `settings` collection that holds what the vault keeps of its audit log. */
export const AUDIT_SETTINGS = "audit";

/** What the vault keeps of its audit log. */
export interface AuditSettings {
  /** What the keys are derived from, in the order in which they came into use: new lines get MACs of the last. */
  readonly secrets: readonly Secret[];
  /** The last line of which the vault knows that it was on the disk. */
  readonly head: ChainEnd | undefined;
  /** RFC 3339: when the vault was unlocked by a server that keeps no log. Until a later one says so in its log. */
  readonly unrecordedSince?: string | undefined;
}

const headSchema = z.object({
  sequence: z.int().nonnegative(),
  hash: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
const recordSchema = z.object({
  secrets: z.array(z.instanceof(Secret)),
  head: headSchema.optional(),
  unrecordedSince: z.iso.datetime().optional(),
});

/** Of a vault that has no such record yet: no secrets, no head. @throws ZodError for a record that is none. */
export function readAuditSettings(record: object | undefined): AuditSettings {
  if (record === undefined) return { secrets: [], head: undefined };
  const { secrets, head, unrecordedSince } = recordSchema.parse(record);
  return { secrets, head, unrecordedSince };
}

/** The record to store. */
export function auditSettingsRecord({ secrets, head, unrecordedSince }: AuditSettings): object {
  return {
    secrets: [...secrets],
    ...(head === undefined ? {} : { head: { ...head } }),
    ...(unrecordedSince === undefined ? {} : { unrecordedSince }),
  };
}

/** With a key of its own for what comes: for a new vault, and when the password is changed. */
export function withNewSecret(settings: AuditSettings, secret: Secret): AuditSettings {
  return { ...settings, secrets: [...settings.secrets, secret] };
}

/** With a later head; an earlier one would forget lines. */
export function withHead(settings: AuditSettings, head: ChainEnd): AuditSettings {
  return head.sequence > (settings.head?.sequence ?? 0) ? { ...settings, head } : settings;
}

/** Of a vault that is unlocked without a log: since the first time that this was so. */
export function withUnrecorded(settings: AuditSettings, since: string): AuditSettings {
  return { ...settings, unrecordedSince: settings.unrecordedSince ?? since };
}

/** All keys, for {@link verifyAuditLog}. They are the caller's to wipe. */
export function auditKeysOf({ secrets }: AuditSettings): AuditKey[] {
  return secrets.map(deriveAuditKey);
}
