import type { AuditDetails } from "../audit/audit-action.js";
import type { AuditFacts } from "../audit/audit-entry.js";
import type { AuditPage, AuditQuery } from "../audit/audit-query.js";
import type { AuditRecorder } from "../audit/recorder.js";

/** What of the audit log the control plane needs. */
export interface ControlPlaneAudit {
  readonly recorder: AuditRecorder;
  /** A right unlock. Resolves when it is recorded; never rejects. */
  recordUnlock(facts: AuditFacts, details: AuditDetails<"unlock">): Promise<void>;
  /** The vault is about to be locked by this. Never rejects. */
  announceLock(facts: AuditFacts, details: AuditDetails<"lock">): void;
  /** @throws {VaultProxyError} `not_found` where the log is off, `storage_failed` */
  query(query: AuditQuery): Promise<AuditPage>;
  /** The password was changed. Never rejects. */
  renewKey(): Promise<void>;
}
