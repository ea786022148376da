import { expect } from "vitest";
import type { RunningServer } from "../live/processes.js";
import { call, makeToken, unlock } from "../live/vault-calls.js";
import type { IsolatedNetwork } from "./isolated-network.js";

/** An unlocked vault-server in an isolated network. */
export interface IsolatedVault {
  readonly server: RunningServer;
  readonly admin: string;
  readonly token: string;
  /** Tries to store a service. */
  store(definition: object): Promise<{ readonly status: number; readonly code: unknown }>;
  /** Stores a service that must be taken. */
  keep(definition: object): Promise<void>;
}

export async function openIsolatedVault(
  network: IsolatedNetwork,
  flags: readonly string[] = [],
): Promise<IsolatedVault> {
  const server = await network.startServer(flags);
  const admin = await unlock(server);
  const token = await makeToken(server, admin);
  const store: IsolatedVault["store"] = async (definition) => {
    const body = JSON.stringify(definition);
    const answer = await call(server.address, "POST", "/services", { token: admin, body });
    return { status: answer.status, code: (answer.json as { code?: unknown }).code };
  };
  return {
    server,
    admin,
    token,
    store,
    keep: async (definition) => expect(await store(definition)).toMatchObject({ status: 201 }),
  };
}
