import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { toUnlockRefusal } from "../unlock-refusal.js";
import { DamagedVaultFileError } from "../vault-file-error.js";

/** The reason of a damage is told to nobody here: it would be told to whoever tries passwords. */
const NO_LOG = { warn: () => undefined };

/** One sentence for a wrong password and for every kind of damage; what is no such error is given back as it is. */
export function toOpeningError(error: unknown): unknown {
  return toUnlockRefusal(error, NO_LOG);
}

/** Of a frame that was looked at without any password: what is wrong with it is there for all to see. */
export function toFrameError(path: string, error: unknown): unknown {
  if (!(error instanceof DamagedVaultFileError)) return toOpeningError(error);
  return new VaultProxyError("storage_failed", `${path} is no complete vault file: ${error.reason}`, {
    cause: error,
  });
}
