import { isDeepStrictEqual } from "node:util";
import type { SshAccess } from "../auth-strategies/auth-strategy.js";
import { inputOf } from "../auth-strategies/imported-service.js";
import { sshUseOf, type ServiceRecord } from "../auth-strategies/service-definition.js";
import { isSavedHostKey } from "../auth-strategies/ssh-host-key.js";
import type { ChannelUse, SshConnection } from "./ssh-connection.js";
import { SshConnectionPool, type Connect } from "./ssh-connection-pool.js";

/** Makes a connection for a service. Rejects with a VaultProxyError. */
export type ConnectService = (record: ServiceRecord, ...how: Parameters<Connect>) => Promise<SshConnection>;

/** The connections of all services: made when needed, kept for a while, shared by all calls of their service. */
export interface SshConnections {
  /** @throws VaultProxyError; the signal's reason */
  withChannel<Channel, Result>(
    record: ServiceRecord,
    signal: AbortSignal,
    use: ChannelUse<Channel, Result>,
  ): Promise<Result>;
  /** The committed services changed: connections of those that changed serve nobody new. */
  refresh(services: ReadonlyMap<string, ServiceRecord>): void;
  /** Stored files changed: connections that were made with a key serve nobody new. */
  retireKeys(): void;
  /** Ends them all, also those under way; those with running calls as soon as these have ended, or half a second later. */
  destroyAll(reason: Error): void;
  /** Connections to all servers. */
  readonly size: number;
}

export function createSshConnections(connect: ConnectService): SshConnections {
  /** By service. A pool whose service has changed is forgotten here, and lives on in its calls. */
  const pools = new Map<string, { readonly record: ServiceRecord; readonly pool: SshConnectionPool }>();
  const all = new Set<SshConnectionPool>();

  const poolOf = (record: ServiceRecord): SshConnectionPool => {
    const kept = pools.get(record.name);
    if (kept !== undefined && isStillFor(kept.pool, kept.record, record)) return kept.pool;
    if (kept !== undefined) retire(record.name, kept.pool);
    const pool = new SshConnectionPool(
      (...how) => connect(record, ...how),
      () => {
        all.delete(pool);
        if (pools.get(record.name)?.pool === pool) pools.delete(record.name);
      },
    );
    pools.set(record.name, { record, pool });
    all.add(pool);
    return pool;
  };
  const retire = (name: string, pool: SshConnectionPool): void => {
    pools.delete(name);
    pool.retire();
  };

  return {
    withChannel: (record, signal, use) => poolOf(record).withChannel(signal, use),
    refresh(services) {
      for (const [name, { record, pool }] of [...pools]) {
        const current = services.get(name);
        if (current === undefined || !isStillFor(pool, record, current)) retire(name, pool);
      }
    },
    retireKeys() {
      for (const [name, { record, pool }] of [...pools]) {
        if (accessOf(record)?.keyFile !== undefined) retire(name, pool);
      }
    },
    destroyAll(reason) {
      pools.clear();
      for (const pool of all) pool.destroy(reason);
      all.clear();
    },
    get size() {
      return [...all].reduce((sum, pool) => sum + pool.size, 0);
    },
  };
}

/** That a first connection's host key was saved is no change for it. */
function isStillFor(pool: SshConnectionPool, made: ServiceRecord, current: ServiceRecord): boolean {
  if (made === current) return true;
  const hostKey = accessOf(current)?.hostKey;
  const shown = pool.hostKey;
  const isTrusted =
    shown === undefined
      ? hostKey === accessOf(made)?.hostKey
      : hostKey !== undefined && isSavedHostKey(hostKey, publicKeyOf(shown));
  return isTrusted && isDeepStrictEqual(withoutHostKey(made), withoutHostKey(current));
}

function withoutHostKey(record: ServiceRecord): unknown {
  return inputOf({ ...record, auth: sshUseOf(record)?.withHostKey(record.auth, undefined) });
}

function accessOf(record: ServiceRecord): SshAccess | undefined {
  return sshUseOf(record)?.access(record.auth);
}

function publicKeyOf(hostKey: string): Buffer {
  return Buffer.from(hostKey.split(" ")[1] ?? "", "base64");
}
