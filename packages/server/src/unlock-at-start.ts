import { toVaultProxyError } from "./errors/vault-proxy-error.js";
import type { Secret } from "./redaction/secret.js";
import { PASSWORD_FILE_CALLER } from "./request-caller.js";
import type { ServerAudit } from "./server-audit.js";
import type { Vault } from "./vault/vault.js";

/**
 * Unlocks with the password that the server was started with, and records it.
 * @throws {VaultProxyError} as {@link Vault.unlock}
 */
export async function unlockAtStart(
  password: Secret,
  { vault, audit }: { readonly vault: Vault; readonly audit: ServerAudit },
): Promise<void> {
  const facts = { decision: "allow", client: PASSWORD_FILE_CALLER } as const;
  const isNew = !vault.initialized;
  try {
    await vault.unlock(password, PASSWORD_FILE_CALLER);
  } catch (error) {
    audit.recorder.record("unlock", { ...facts, decision: "deny", code: toVaultProxyError(error).code });
    throw error;
  }
  await audit.recordUnlock(facts, { created: isNew });
}
