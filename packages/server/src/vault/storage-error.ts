import { VaultProxyError } from "../errors/vault-proxy-error.js";

/** The operating system's code of an error (`ENOSPC`, …), or undefined. */
export function errorCodeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string"
    ? thrown.code
    : undefined;
}

/** What a caller is told of a failed write. The operating system's own text names paths, so it stays inside. */
export function toStorageError(thrown: unknown): VaultProxyError {
  if (thrown instanceof VaultProxyError) return thrown;
  const code = errorCodeOf(thrown);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new VaultProxyError("storage_full", "no room left on the vault's disk: nothing was changed", {
      cause: thrown,
    });
  }
  return new VaultProxyError(
    "storage_failed",
    "the vault could not be written to disk: nothing was changed",
    {
      cause: thrown,
    },
  );
}
