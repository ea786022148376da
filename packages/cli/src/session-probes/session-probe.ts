import type { SessionProtocol, VaultClient } from "@vault-proxy/client";

import { probeImap } from "./imap-probe.js";
import { probePostgres } from "./postgres-probe.js";
import { connectProbe, type SessionProbe } from "./probe-connection.js";
import { probeRedis } from "./redis-probe.js";
import { probeSmtp } from "./smtp-probe.js";

const PROBES: Readonly<Record<SessionProtocol, SessionProbe>> = {
  imap: probeImap,
  smtp: probeSmtp,
  redis: probeRedis,
  postgres: probePostgres,
};

/**
 * Opens a session and logs in through it, once.
 * @throws CliError with what the protocol's answer says, VaultError if no session can be opened
 */
export async function probeSession(
  client: VaultClient,
  protocol: SessionProtocol,
  service: string,
): Promise<void> {
  const { id, addr, username, password } = await client.session(protocol, service, { maxConnections: 1 });
  const login = username === undefined || password === undefined ? undefined : { username, password };
  try {
    await connectProbe(addr, (connection) => PROBES[protocol](connection, login));
  } finally {
    // It has ended with its one client, unless that could not connect.
    await client.closeSession(id).catch(() => undefined);
  }
}
