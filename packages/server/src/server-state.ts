import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { HealthDetails } from "./http-api/health-details.js";
import type { EventLoopLag } from "./metrics/event-loop-lag.js";
import type { ServerState } from "./metrics/state-gauges.js";
import type { ServerAudit } from "./server-audit.js";
import type { SshConnections } from "./ssh/ssh-connections.js";
import type { SessionRegistry } from "./tcp-sessions/session-registry.js";
import type { TokenRegistry } from "./tokens/token-registry.js";
import { BACKUP_FILE, VAULT_FILE } from "./vault/data-directory.js";
import type { Vault } from "./vault/vault.js";

export interface ServerStateParts {
  readonly dataDir: string;
  readonly vault: Vault;
  readonly tokens: Pick<TokenRegistry, "list">;
  /** Calls that run. */
  readonly calls: () => number;
  readonly connections: { readonly size: number };
  readonly sessions: Pick<SessionRegistry, "list">;
  readonly sshConnections: Pick<SshConnections, "size">;
  readonly audit: Pick<ServerAudit, "state">;
  readonly lag: Pick<EventLoopLag, "recent">;
  /** Of access tokens, since the start. */
  readonly refreshFailures: () => number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** What can be seen of a server while its vault is unlocked. */
export interface ObservedServer {
  /** @throws VaultProxyError `vault_locked` */
  state(): ServerState;
  /** Rejects with `vault_locked`. */
  details(): Promise<HealthDetails>;
}

export function observeServer(parts: ServerStateParts): ObservedServer {
  const { vault, clock } = parts;
  const startedAt = clock();
  const startTick = performance.now();
  let unlockedAt: number | undefined;
  vault.subscribe(({ type }) => {
    if (type === "unlocked") unlockedAt = clock();
  });

  const state = (): ServerState => ({
    isUnlocked: vault.status === "unlocked",
    services: vault.collection("services").records.size,
    tokens: parts.tokens.list().length,
    policies: vault.collection("policies").records.size,
    files: vault.files.list().length,
    callsRunning: parts.calls(),
    connectionsOpen: parts.connections.size,
    sshConnections: parts.sshConnections.size,
    sessionsOpen: countByProtocol(parts.sessions),
    audit: parts.audit.state(),
  });

  return {
    state,
    async details() {
      const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
      const [file, backup] = await Promise.all(
        [VAULT_FILE, BACKUP_FILE].map((name) => stat(join(parts.dataDir, name)).catch(() => undefined)),
      );
      const now = state();
      const lag = parts.lag.recent();
      return {
        started_at: timeText(startedAt),
        uptime_seconds: Math.round((performance.now() - startTick) / 1000),
        ...(unlockedAt === undefined ? {} : { unlocked_at: timeText(unlockedAt) }),
        node_version: process.version,
        memory: { rss, heap_used: heapUsed, heap_total: heapTotal, external },
        event_loop_lag: { mean_seconds: lag.mean, max_seconds: lag.max },
        services: now.services,
        tokens: now.tokens,
        policies: now.policies,
        files: now.files,
        vault: {
          ...(file === undefined ? {} : { file_bytes: file.size, last_saved_at: timeText(file.mtimeMs) }),
          generation: vault.generation ?? 0,
          backup_present: backup !== undefined,
        },
        audit: auditDetails(now.audit),
        calls_running: now.callsRunning,
        connections_open: now.connectionsOpen,
        sessions_open: [...now.sessionsOpen.values()].reduce((sum, count) => sum + count, 0),
        ssh_connections_open: now.sshConnections,
        refresh_failures: parts.refreshFailures(),
      };
    },
  };
}

function countByProtocol(sessions: Pick<SessionRegistry, "list">): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { protocol } of sessions.list()) counts.set(protocol, (counts.get(protocol) ?? 0) + 1);
  return counts;
}

function auditDetails(audit: ServerState["audit"]): HealthDetails["audit"] {
  if (audit === undefined) return { state: "off" };
  const { isFailing, fileBytes, queuedLines, queuedBytes, lostEntries } = audit;
  return {
    state: isFailing ? "failing" : "on",
    file_bytes: fileBytes,
    queued_lines: queuedLines,
    queued_bytes: queuedBytes,
    lost_entries: lostEntries,
  };
}

function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
