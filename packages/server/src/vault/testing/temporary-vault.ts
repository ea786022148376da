import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "../../redaction/secret.js";
import type { KdfCost } from "../header.js";
import { deriveKey } from "../key-derivation.js";
import type { OpeningTools } from "../opened-vault.js";
import { openVault, type Vault, type VaultOptions } from "../vault.js";

/** The lowest cost that a file may have: a derivation takes a millisecond. */
export const CHEAP_KDF_COST: KdfCost = { memoryKib: 8, passes: 1, lanes: 1 };

/** Half a second or more: something else can happen meanwhile. */
export const SLOW_KDF_COST: KdfCost = { memoryKib: 65_536, passes: 10, lanes: 2 };

export const PASSWORD = new Secret("correct horse battery");

/** Opens vault files at the lowest cost. */
export const CHEAP_TOOLS: OpeningTools = {
  derive: deriveKey,
  cost: CHEAP_KDF_COST,
  breathe: () => Promise.resolve(),
  importService: (name, json) => ({ name, record: json }),
  clock: () => Date.parse("2030-01-01T00:00:00.000Z"),
};

export const SILENT_LOG = { info: () => undefined, warn: () => undefined };

export async function withTemporaryDirectory<R>(use: (directory: string) => Promise<R>): Promise<R> {
  const directory = await mkdtemp(join(tmpdir(), "vault-proxy-"));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A locked vault at the lowest cost, closed when `use` ends. */
export async function withVault<R>(
  directory: string,
  use: (vault: Vault) => Promise<R>,
  options: Partial<VaultOptions> & { sealsPerKey?: number } = {},
): Promise<R> {
  const { sealsPerKey, ...rest } = options;
  const vault = await openVault(
    { dataDir: directory, log: SILENT_LOG, ...rest },
    { kdfCost: CHEAP_KDF_COST, ...(sealsPerKey === undefined ? {} : { sealsPerKey }) },
  );
  try {
    return await use(vault);
  } finally {
    await vault.close();
  }
}

/** As {@link withVault}, unlocked with {@link PASSWORD}. */
export async function withUnlockedVault<R>(
  directory: string,
  use: (vault: Vault) => Promise<R>,
  options: Partial<VaultOptions> & { sealsPerKey?: number } = {},
): Promise<R> {
  return withVault(
    directory,
    async (vault) => {
      await vault.unlock(PASSWORD, "unknown");
      return use(vault);
    },
    options,
  );
}
