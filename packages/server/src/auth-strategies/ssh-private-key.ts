import ssh2, { type ParsedKey } from "ssh2";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Secret } from "../redaction/secret.js";

export type SshPrivateKey = ParsedKey;

export function readSshPrivateKey(
  bytes: Uint8Array,
  passphrase: Secret | undefined,
  field: string,
): SshPrivateKey {
  const key = ssh2.utils.parseKey(Buffer.from(bytes), passphrase?.reveal());
  if (key instanceof Error) throw new VaultProxyError("invalid_request", `${field}: is not a private key`);
  return Array.isArray(key) ? (key[0] as SshPrivateKey) : key;
}
