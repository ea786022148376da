import { Counter, Gauge, type Registry } from "prom-client";

/** What a server is at this moment. */
export interface ServerState {
  readonly isUnlocked: boolean;
  readonly services: number;
  readonly tokens: number;
  readonly policies: number;
  readonly files: number;
  readonly callsRunning: number;
  readonly connectionsOpen: number;
  readonly sshConnections: number;
  /** By protocol. */
  readonly sessionsOpen: ReadonlyMap<string, number>;
  /** Undefined where the log is off. */
  readonly audit: AuditState | undefined;
}

/** Of the audit log. Sizes in bytes; counts since the start of the server. */
export interface AuditState {
  readonly isFailing: boolean;
  readonly queuedLines: number;
  readonly queuedBytes: number;
  readonly fileBytes: number;
  readonly writtenLines: number;
  readonly lostEntries: number;
  readonly failures: number;
}

type Reading = readonly [name: string, help: string, value: (state: ServerState) => number];

const GAUGES: readonly Reading[] = [
  ["vault_locked", "1 while the vault is locked.", ({ isUnlocked }) => (isUnlocked ? 0 : 1)],
  ["services", "Services in the vault.", ({ services }) => services],
  ["tokens", "Tokens that are valid.", ({ tokens }) => tokens],
  ["policies", "Policies in the vault.", ({ policies }) => policies],
  ["files", "Files in the vault.", ({ files }) => files],
  ["calls_running", "Calls that run now, those by SSH included.", ({ callsRunning }) => callsRunning],
  ["connections_open", "Open connections of callers.", ({ connectionsOpen }) => connectionsOpen],
  ["ssh_connections_open", "Open connections to servers by SSH.", ({ sshConnections }) => sshConnections],
  ["audit_enabled", "1 where an audit log is kept.", ({ audit }) => (audit === undefined ? 0 : 1)],
  [
    "audit_failing",
    "1 while the audit log cannot be written.",
    ({ audit }) => Number(audit?.isFailing === true),
  ],
  ["audit_queue_lines", "Lines that wait to be written.", ({ audit }) => audit?.queuedLines ?? 0],
  ["audit_queue_bytes", "Bytes that wait to be written.", ({ audit }) => audit?.queuedBytes ?? 0],
  ["audit_file_bytes", "Size of the file that is written.", ({ audit }) => audit?.fileBytes ?? 0],
];

const COUNTERS: readonly Reading[] = [
  ["audit_lines_total", "Lines that were written.", ({ audit }) => audit?.writtenLines ?? 0],
  ["audit_lost_entries_total", "Entries that found no room.", ({ audit }) => audit?.lostEntries ?? 0],
  ["audit_failures_total", "How often the log began to fail.", ({ audit }) => audit?.failures ?? 0],
];

/** @returns sets them all; to be called before each scrape */
export function registerStateGauges(registry: Registry, version: string): (state: ServerState) => void {
  const registers = [registry];
  new Gauge({
    name: "vault_proxy_info",
    help: "Always 1; the version of the server.",
    labelNames: ["version"],
    registers,
  }).set({ version }, 1);
  const gauges = GAUGES.map(([name, help, value]) => {
    const gauge = new Gauge({ name: `vault_proxy_${name}`, help, registers });
    return (state: ServerState) => gauge.set(value(state));
  });
  const counters = COUNTERS.map(([name, help, value]) => {
    const counter = new Counter({ name: `vault_proxy_${name}`, help, registers });
    return (state: ServerState) => {
      counter.reset();
      counter.inc(value(state));
    };
  });
  const sessions = new Gauge({
    name: "vault_proxy_sessions_open",
    help: "Open TCP sessions, by protocol.",
    labelNames: ["protocol"],
    registers,
  });

  return (state) => {
    for (const set of [...gauges, ...counters]) set(state);
    sessions.reset();
    for (const [protocol, count] of state.sessionsOpen) sessions.set({ protocol }, count);
  };
}
