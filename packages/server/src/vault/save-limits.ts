import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { VAULT_FILE_LIMITS } from "./vault-file-limits.js";

/**
 * A file that would not be read again must not be written.
 *
 * @param chunks of the whole file; no segment stands in more than one of them
 * @throws {VaultProxyError} `storage_full`
 */
export function assertFits(chunks: readonly Uint8Array[]): void {
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const hasLargeSegment = chunks.some((chunk) => chunk.length > VAULT_FILE_LIMITS.segmentBytes);
  if (size > VAULT_FILE_LIMITS.fileBytes || hasLargeSegment) {
    throw new VaultProxyError("storage_full", "the vault file would be larger than a vault file may be");
  }
}
