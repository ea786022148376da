import { sizeText } from "../errors/size-text.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Secret } from "../redaction/secret.js";
import { PASSWORD_LIMITS } from "./vault-file-limits.js";

/**
 * What holds of a password that a vault is to have. One that it has already may be shorter.
 *
 * @throws {VaultProxyError} `invalid_request` that begins with `field`.
 */
export function assertGoodPassword(password: Secret, field: string): void {
  const text = password.reveal();
  const { minCharacters, maxBytes } = PASSWORD_LIMITS;
  if (Array.from(text.slice(0, maxBytes)).length < minCharacters) {
    throw new VaultProxyError("invalid_request", `${field}: must have at least ${minCharacters} characters`);
  }
  if (Buffer.byteLength(text) > maxBytes) {
    throw new VaultProxyError("invalid_request", `${field}: must have at most ${sizeText(maxBytes)}`);
  }
}
