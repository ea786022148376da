import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Logger } from "../redaction/logger.js";
import { DamagedVaultFileError, NewerVaultFormatError, WrongPasswordError } from "./vault-file-error.js";

/**
 * What a caller is told of a vault file that did not open: one answer for a wrong password and for every kind of
 * damage, so that nobody learns from it which it was. What is no such error is given back as it is.
 */
export function toUnlockRefusal(error: unknown, log: Pick<Logger, "warn">): unknown {
  if (error instanceof WrongPasswordError) return refused(error);
  if (error instanceof DamagedVaultFileError) {
    log.warn({ reason: error.reason }, "the vault file is damaged");
    return refused(error);
  }
  if (error instanceof NewerVaultFormatError) {
    return new VaultProxyError(
      "storage_failed",
      `the vault file has format ${error.format}: it needs a vault-server that reads format ${error.format}`,
      { cause: error },
    );
  }
  return error;
}

function refused(cause: unknown): VaultProxyError {
  return new VaultProxyError("unauthorized", "wrong password or damaged vault file", { cause });
}
