import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Secret } from "../redaction/secret.js";
import { readVaultSetting } from "../vault/offline/read-setting.js";
import { AUDIT_SETTINGS, auditKeysOf, readAuditSettings, type AuditSettings } from "./audit-settings.js";
import { verifyAuditLog, type VerifiedLog } from "./verify-log.js";

export interface OfflineVerification {
  /** A data directory, or one file of a log. */
  readonly path: string;
  /** The vault whose server wrote the log, and what opens it. Without it the chain alone is checked. */
  readonly vault?: { readonly file: string; readonly password: Secret } | undefined;
  readonly from?: number | undefined;
  readonly isPart?: boolean | undefined;
}

export interface OfflineVerifiedLog extends VerifiedLog {
  /** `chain`: by the hashes alone, which who writes the log anew can make as well. `vault`: by MACs and the vault's memory. */
  readonly checked: "chain" | "vault";
  /** The number of the last line that the vault remembers. */
  readonly remembered: number | undefined;
}

/**
 * Verifies a log without a running server, or beside one.
 *
 * @throws {VaultProxyError} `unauthorized` for a wrong password or a damaged vault file; `not_found`; `storage_failed`.
 */
export async function verifyAuditOffline(asked: OfflineVerification): Promise<OfflineVerifiedLog> {
  const { path, vault, from, isPart } = asked;
  const options = { from, isPart };
  if (vault === undefined) {
    return { ...(await verifyAuditLog(path, options)), checked: "chain", remembered: undefined };
  }
  // Before the log: what the vault remembers was on the disk then, so that the log has it whatever is added meanwhile.
  const settings = await settingsOf(vault);
  const keys = auditKeysOf(settings);
  try {
    const verified = await verifyAuditLog(path, { ...options, keys, remembered: settings.head });
    return { ...verified, checked: "vault", remembered: settings.head?.sequence };
  } finally {
    for (const key of keys) key.destroy();
  }
}

async function settingsOf({
  file,
  password,
}: NonNullable<OfflineVerification["vault"]>): Promise<AuditSettings> {
  const record = await readVaultSetting(file, password, AUDIT_SETTINGS);
  try {
    return readAuditSettings(record);
  } catch (error) {
    throw new VaultProxyError("storage_failed", `${file} holds no audit settings that can be read`, {
      cause: error,
    });
  }
}
