import { resolve } from "node:path";
import type { VaultClient } from "@vault-proxy/client";

import type { Environment } from "./output.js";
import { CliError } from "./failures.js";
import { readSession } from "./session-file.js";

export interface ConnectionOptions {
  readonly addr?: string | undefined;
  readonly allowInsecure?: boolean | undefined;
}

export interface Connection {
  readonly options: ConnectionOptions;
  readonly env: Environment;
  readonly sessionPath: string;
}

/** A client that holds no token: for health and unlock. */
export async function connectWithoutToken({ options }: Pick<Connection, "options">): Promise<VaultClient> {
  const { New } = await import("@vault-proxy/client");
  // A person waits for the answer, and is told how to start a server.
  return New({ addr: options.addr, allowInsecure: options.allowInsecure, token: "", retries: 0 });
}

/**
 * A client with `VAULT_TOKEN`, which goes wherever the user says, else with the saved session, which goes only where
 * `unlock` got it, and over loopback only to a trusted listener. Without either it has no token.
 */
export async function connectWithToken(connection: Connection): Promise<VaultClient> {
  const client = await connectWithoutToken(connection);
  const fromEnvironment = connection.env.VAULT_TOKEN ?? "";
  client.token =
    fromEnvironment === "" ? await sessionToken(client, connection.sessionPath) : fromEnvironment;
  return client;
}

/** What the session file calls the client's vault. A relative socket path means another socket in every directory. */
export function sessionAddress({ addr }: Pick<VaultClient, "addr">): string {
  return addr.startsWith("unix:") ? `unix:${resolve(addr.slice("unix:".length))}` : addr;
}

async function sessionToken(client: VaultClient, path: string): Promise<string> {
  const session = await readSession(path);
  if (session === undefined) return "";
  if (session.address !== sessionAddress(client)) {
    const whose = session.address === "" ? "names no address" : `is for ${session.address}`;
    throw new CliError(`the saved session ${whose}`, "unlock this one, or give VAULT_TOKEN");
  }
  const { assertTrustedListener } = await import("./listener-check.js");
  await assertTrustedListener(client.addr, session.listenerUid, {
    secret: "the saved session",
    advice: "if that is where vault-server runs, unlock with --listener-uid",
    // Where nobody listens at all, that is what must be told.
    whenNobodyIsSeen: () => client.health(),
  });
  return session.token;
}
