import type { Secret } from "../../redaction/secret.js";
import { withOpenedVault } from "./opened-offline.js";
import { readVaultBytes } from "./vault-bytes.js";

/**
 * One record of a vault file's settings, or undefined if there is none of that name.
 *
 * @throws {VaultProxyError} `unauthorized` for a wrong password and for damage alike; `not_found`; `storage_failed`.
 */
export async function readVaultSetting(
  path: string,
  password: Secret,
  name: string,
): Promise<object | undefined> {
  const { bytes } = await readVaultBytes(path);
  return withOpenedVault(bytes, password, ({ content }) => content.collections.settings.get(name));
}
