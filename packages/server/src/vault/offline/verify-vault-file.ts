import { setImmediate as nextTurn } from "node:timers/promises";
import type { Secret } from "../../redaction/secret.js";
import type { OpenedVault } from "../opened-vault.js";
import { withOpenedVault } from "./opened-offline.js";
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
  return withOpenedVault(bytes, password, async (opened) => {
    await openStoredFiles(opened);
    return describeContent(opened);
  });
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
