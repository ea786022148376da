import { createHash } from "node:crypto";
import type { ReadFile, SshAccess } from "../auth-strategies/auth-strategy.js";
import {
  onlyModernSignatures,
  readSshPrivateKey,
  type SshPrivateKey,
} from "../auth-strategies/ssh-private-key.js";
import { readNamedFile } from "../auth-strategies/stored-file-name.js";

/** The decrypted private keys of services. To decrypt one holds everything else up for a quarter of a second. */
export interface SshKeys {
  /** @throws VaultProxyError `invalid_request` naming the field */
  read(
    service: string,
    access: Pick<SshAccess, "keyFile" | "passphrase" | "legacyAlgorithms">,
  ): Promise<SshPrivateKey>;
  /** Drops them all. */
  clear(): void;
}

const FIELD = "auth.ssh_key_file_ref";

export function createSshKeys(readFile: ReadFile): SshKeys {
  /** By service: the last one that was read, and the digest of what it was made from. */
  const kept = new Map<string, { readonly source: string; readonly key: SshPrivateKey }>();
  return {
    async read(service, { keyFile, passphrase, legacyAlgorithms }) {
      const bytes = await readNamedFile(readFile, keyFile ?? "", FIELD);
      const source = createHash("sha256")
        .update(createHash("sha256").update(bytes).digest())
        .update(passphrase?.reveal() ?? "")
        .digest("base64");
      const known = kept.get(service);
      const key = known?.source === source ? known.key : readSshPrivateKey(bytes, passphrase, FIELD);
      bytes.fill(0);
      kept.set(service, { source, key });
      return onlyModernSignatures(key, legacyAlgorithms.includes("ssh-rsa"));
    },
    clear: () => kept.clear(),
  };
}
