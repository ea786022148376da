import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { TokenRecord } from "./token-record.js";

/**
 * Refuses a token that may only read metrics.
 * @throws VaultProxyError `forbidden`
 */
export function assertMayCall({ scope }: Pick<TokenRecord, "scope">): void {
  if (scope === "metrics") {
    throw new VaultProxyError("forbidden", "a token of scope metrics may only read /metrics and /health");
  }
}
