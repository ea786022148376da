import { setTimeout as delay } from "node:timers/promises";
import { VaultError, type Health, type VaultClient } from "@vault-proxy/client";

import { CliError } from "./failures.js";

/** A vault-server answers this at once; another program that holds its port may never. */
export const HEALTH_TIMEOUT_MS = 5_000;

const LOOK_EVERY_MS = 100;

/** Of a vault; another program may have a page about its health too. */
const STATES: ReadonlySet<string> = new Set(["locked", "unlocked"]);

/** @throws CliError for a port that takes connections and does not answer, or answers as no vault does */
export async function promptHealth(client: VaultClient): Promise<Health> {
  const health = await client.healthDetails({ timeoutMs: HEALTH_TIMEOUT_MS }).catch((error: unknown) => {
    if (!(error instanceof VaultError)) throw error;
    const isStranger = error.status > 0 && error.requestId === undefined;
    if (isStranger || error.code === "invalid_answer") throw strangerAt(client);
    if (error.code !== "timeout") throw error;
    throw new CliError(
      `${client.addr} does not answer within ${HEALTH_TIMEOUT_MS / 1000} s`,
      "something else may listen there: stop it, or give another address by --addr",
      "timeout",
    );
  });
  if (!STATES.has(health.status)) throw strangerAt(client);
  return health;
}

/** As `promptHealth`, but waits so long for somebody to listen: a server that was just started may not yet. */
export async function awaitedHealth(client: VaultClient, waitMs: number): Promise<Health> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    try {
      return await promptHealth(client);
    } catch (error) {
      const isUnreachable = error instanceof VaultError && error.code === "connection_failed";
      if (!isUnreachable || performance.now() >= deadline) throw error;
    }
    await delay(LOOK_EVERY_MS);
  }
}

/** Nothing of what it says is shown: it is not what was asked for. */
function strangerAt({ addr }: VaultClient): CliError {
  return new CliError(
    `what answers at ${addr} is no vault-server`,
    "see that VAULT_ADDR or --addr is right",
    "invalid_answer",
  );
}
