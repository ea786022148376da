import { setImmediate as nextTurn } from "node:timers/promises";
import type { Secret } from "../../redaction/secret.js";
import type { KdfCost } from "../header.js";
import { deriveKey } from "../key-derivation.js";
import { openVaultFile, type OpenedVault, type OpeningTools } from "../opened-vault.js";
import { KDF_COST_LIMITS } from "../vault-file-limits.js";
import { toOpeningError } from "./refusal.js";

/** No slot counts as weak, which would be derived anew for a save that never comes. */
const NEVER_RAISED: KdfCost = {
  memoryKib: KDF_COST_LIMITS.memoryKib.min,
  passes: KDF_COST_LIMITS.passes.min,
  lanes: KDF_COST_LIMITS.lanes.min,
};

const TOOLS: OpeningTools = {
  derive: deriveKey,
  cost: NEVER_RAISED,
  breathe: nextTurn,
  // Looked at, and nothing more.
  importService: (name, json) => ({ name, record: json }),
  clock: Date.now,
};

/**
 * Opens a vault file's bytes to read from them; its keys are wiped when `use` ends.
 *
 * @throws {VaultProxyError} `unauthorized` for a wrong password and for damage alike, in `use` too.
 */
export async function withOpenedVault<R>(
  bytes: Buffer,
  password: Secret,
  use: (opened: OpenedVault) => Promise<R> | R,
): Promise<R> {
  try {
    const opened = await openVaultFile(bytes, password, TOOLS);
    try {
      return await use(opened);
    } finally {
      opened.key.destroy();
      opened.keyEncryptionKey?.fill(0);
      opened.content.recoveryPsk?.fill(0);
    }
  } catch (error) {
    throw toOpeningError(error);
  }
}
