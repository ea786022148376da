import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { AUDIT_LIMITS } from "./audit-limits.js";

/** What whoever waited for the log is refused with. */
export function auditUnavailable(): VaultProxyError {
  return new VaultProxyError(
    "audit_unavailable",
    "the audit log cannot be written, so nothing is done unrecorded",
    { retryAfterSeconds: AUDIT_LIMITS.waitMs / 1000 },
  );
}
