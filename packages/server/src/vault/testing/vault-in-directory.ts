import { join } from "node:path";
import { Secret } from "../../redaction/secret.js";
import { withUnlockedVault } from "./temporary-vault.js";

/** What {@link makeVault} puts into a vault. */
export const SERVICE = { name: "api", token: new Secret("S3cret-0123456789") };
export const FILE_BYTES = Buffer.from("a private key");

/** A vault with a service and a stored file, closed again. Its file is of generation 3. */
export async function makeVault(directory: string): Promise<string> {
  await withUnlockedVault(directory, async (vault) => {
    await vault.collection("services").change((services) => services.set(SERVICE.name, SERVICE));
    await vault.files.put("key.pem", "text/plain", FILE_BYTES);
  });
  return join(directory, "vault.enc");
}

/** The generation rises by one. */
export async function changeVault(directory: string): Promise<void> {
  await withUnlockedVault(directory, async (vault) => {
    await vault.collection("settings").change((settings) => settings.set("x", {}));
  });
}
