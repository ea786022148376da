/** What can be done with a vault file without a running server: the entry that the command line uses. */
export type { BadLine } from "./audit/verifier.js";
export {
  verifyAuditOffline,
  type OfflineVerification,
  type OfflineVerifiedLog,
} from "./audit/verify-offline.js";
export { VaultProxyError } from "./errors/vault-proxy-error.js";
export { Secret } from "./redaction/secret.js";
export { VAULT_FILE } from "./vault/data-directory.js";
export { findLockHolder, type LockHolder } from "./vault/lock-holder.js";
export { backUpVault, type BackUpRequest, type BackUpResult } from "./vault/offline/back-up-vault.js";
export {
  describeVaultFile,
  type EarlierVersion,
  type FormatOneInfo,
  type GoFileInfo,
  type SlotInfo,
  type VaultFileDescription,
  type VaultFileInfo,
} from "./vault/offline/describe-vault-file.js";
export { restoreVault, type RestoreRequest, type RestoreResult } from "./vault/offline/restore-vault.js";
export { parseRecoveryKey } from "./vault/recovery-key.js";
export { assertFileThere } from "./vault/offline/vault-bytes.js";
export { verifyVaultFile, type VaultContentInfo } from "./vault/offline/verify-vault-file.js";
