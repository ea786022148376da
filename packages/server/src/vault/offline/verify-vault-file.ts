import { setImmediate as nextTurn } from "node:timers/promises";
import type { Secret } from "../../redaction/secret.js";
import type { KdfCost } from "../header.js";
import { deriveKey } from "../key-derivation.js";
import { openVaultFile, type OpenedVault, type OpeningTools } from "../opened-vault.js";
import { KDF_COST_LIMITS } from "../vault-file-limits.js";
import { toOpeningError } from "./refusal.js";
import { readVaultBytes } from "./vault-bytes.js";

export interface VaultContentInfo {
  readonly format: 1 | "go";
  /** Counts the saves, from 1; undefined for a file of the Go server, which has none. */
  readonly generation: number | undefined;
  readonly services: number;
  readonly files: number;
  readonly tokens: number;
  readonly policies: number;
}

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
  // Counted, and nothing more.
  importService: (name, json) => ({ name, record: json }),
  clock: Date.now,
};

/**
 * Opens a vault file with its password or recovery key, every stored file included, and says what is in it.
 *
 * @throws {VaultProxyError} `unauthorized` for a wrong password and for damage alike; `not_found`; `storage_failed`.
 */
export async function verifyVaultFile(path: string, password: Secret): Promise<VaultContentInfo> {
  const { bytes } = await readVaultBytes(path);
  return verifyVaultBytes(bytes, password);
}

/** As {@link verifyVaultFile}, of bytes that were read already. */
export async function verifyVaultBytes(bytes: Buffer, password: Secret): Promise<VaultContentInfo> {
  try {
    const opened = await openVaultFile(bytes, password, TOOLS);
    try {
      await openStoredFiles(opened);
      return describeContent(opened);
    } finally {
      opened.key.destroy();
      opened.keyEncryptionKey?.fill(0);
      opened.content.recoveryPsk?.fill(0);
    }
  } catch (error) {
    throw toOpeningError(error);
  }
}

/** The trailer's digest says that a file's bytes are those of the save; only opening it says that they can be read. */
async function openStoredFiles({ key, content }: OpenedVault): Promise<void> {
  for (const { segment } of content.files.values()) {
    key.open(segment).fill(0);
    await nextTurn();
  }
}

function describeContent({ source, header, content }: OpenedVault): VaultContentInfo {
  const { services, tokens, policies } = content.collections;
  const counts = {
    services: services.size,
    files: content.files.size,
    tokens: tokens.size,
    policies: policies.size,
  };
  return source === "go"
    ? { format: "go", generation: undefined, ...counts }
    : { format: 1, generation: header.generation, ...counts };
}
