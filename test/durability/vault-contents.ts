import { VaultProxyError } from "../../packages/server/src/errors/vault-proxy-error.js";
import { Secret } from "../../packages/server/src/redaction/secret.js";
import { openVault, type Vault } from "../../packages/server/src/vault/vault.js";
import { digestOf, secretOf, type Contents } from "./numbered-changes.mjs";
import { CHEAP_KDF_COST } from "./writer-constants.mjs";

const LOG = { info: () => undefined, warn: () => undefined };

/**
 * Starts on a data directory as a server does, and gives what the vault holds.
 *
 * @returns `none` if there is no vault, `refused` if the password does not open it. Anything else that goes wrong throws.
 */
export async function contentsOf(dataDir: string, password: string): Promise<Contents | "none" | "refused"> {
  const vault = await openVault({ dataDir, log: LOG }, { kdfCost: CHEAP_KDF_COST });
  try {
    if (!vault.initialized) return "none";
    try {
      await vault.unlock(new Secret(password), "reader");
    } catch (error) {
      if (error instanceof VaultProxyError && error.code === "unauthorized") return "refused";
      throw error;
    }
    return await readAll(vault);
  } finally {
    await vault.close();
  }
}

async function readAll(vault: Vault): Promise<Contents> {
  const contents: Contents = { services: {}, files: {} };
  const services = vault.collection<{ number: number; token: Secret }>("services").records;
  for (const [name, { number, token }] of services) {
    if (token.reveal() !== secretOf(number)) throw new Error(`${name} has the secret of another version`);
    contents.services[name] = number;
  }
  for (const { name } of vault.files.list()) {
    contents.files[name] = digestOf(await vault.files.read(name));
  }
  return contents;
}
