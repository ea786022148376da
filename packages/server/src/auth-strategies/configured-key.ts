import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Secret } from "../redaction/secret.js";
import type { ReadFile } from "./auth-strategy.js";
import { privateKeySchema } from "./secret-text.js";
import { readSigningKey, type SigningAlgorithm, type SigningKey } from "./signing-key.js";
import { readNamedFile, storedFileNameSchema } from "./stored-file-name.js";

/** Fields of a configuration that has a private key, or names an uploaded file with one. */
export const configuredKeyFields = {
  key_file: storedFileNameSchema.optional().openapi({ description: "Uploaded private key (PEM)." }),
  private_key: privateKeySchema.optional().openapi({ description: "The private key (PEM) itself." }),
};

export interface ConfiguredKey {
  readonly key_file?: string | undefined;
  readonly private_key?: Secret | undefined;
}

/** @throws VaultProxyError `invalid_request` unless it is one of the two */
export function assertOneKey({ key_file, private_key }: ConfiguredKey): void {
  if ((key_file === undefined) !== (private_key === undefined)) return;
  throw new VaultProxyError("invalid_request", "auth: one of key_file and private_key is required");
}

/** @throws VaultProxyError `invalid_request` naming the field */
export async function readConfiguredKey(
  { key_file: name, private_key: inline }: ConfiguredKey,
  readFile: ReadFile,
  algorithm: SigningAlgorithm | undefined,
): Promise<SigningKey> {
  if (inline !== undefined) return readSigningKey(inline.reveal(), "auth.private_key", algorithm);
  const field = "auth.key_file";
  const bytes = await readNamedFile(readFile, name ?? "", field);
  return readSigningKey(bytes.toString("utf8"), field, algorithm);
}
