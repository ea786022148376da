import type { Collection } from "../vault/collection.js";
import { AUDIT_SETTINGS, auditSettingsRecord, readAuditSettings, withUnrecorded } from "./audit-settings.js";

/**
 * Lets the vault, which has just been unlocked by a server without a log, remember since when it is not recorded what is
 * done: the next server that keeps one says so in it.
 *
 * @param settings of the vault
 * @throws what saving throws
 */
export async function rememberUnrecorded(settings: Collection<object>, now: Date): Promise<void> {
  if (readAuditSettings(settings.records.get(AUDIT_SETTINGS)).unrecordedSince !== undefined) return;
  await settings.change((records) => {
    const changed = withUnrecorded(readAuditSettings(records.get(AUDIT_SETTINGS)), now.toISOString());
    records.set(AUDIT_SETTINGS, auditSettingsRecord(changed));
  });
}
