import { VaultError, type Health, type VaultClient } from "@vault-proxy/client";

import { CliError } from "./failures.js";

/** A vault-server answers this at once; another program that holds its port may never. */
export const HEALTH_TIMEOUT_MS = 5_000;

/** @throws CliError for a port that takes connections and does not answer */
export async function promptHealth(client: VaultClient): Promise<Health> {
  return client.healthDetails({ timeoutMs: HEALTH_TIMEOUT_MS }).catch((error: unknown) => {
    if (!(error instanceof VaultError) || error.code !== "timeout") throw error;
    throw new CliError(
      `${client.addr} does not answer within ${HEALTH_TIMEOUT_MS / 1000} s`,
      "something else may listen there: stop it, or give another address by --addr",
      "timeout",
    );
  });
}
