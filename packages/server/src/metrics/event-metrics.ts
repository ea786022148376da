import { Counter, type Registry } from "prom-client";
import type { ErrorCode } from "../errors/error-codes.js";
import { SAVE_BUCKETS } from "./metrics-limits.js";
import { PlainHistogram } from "./plain-histogram.js";
import { ScrapedHistogram } from "./scraped-histogram.js";

/** By which the vault says no: to whom, to what, or how often. All else with a code is a failure. */
const DENIALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "unauthorized",
  "forbidden",
  "policy_denied",
  "token_suspended",
  "destination_blocked",
  "secret_in_request",
  "rate_limited",
  "locked_out",
  "vault_locked",
  "audit_unavailable",
]);

/** What happens seldom enough to be counted by the library. Every label has a fixed set of values. */
export interface EventMetrics {
  /** Anything that ended with this code. Counts it if the vault refused by it. */
  refused(code: ErrorCode): void;
  /** A limit of a policy was met. */
  limited(limit: string): void;
  refusedAtTheDoor(code: ErrorCode): void;
  connected(): void;
  controlRequest(status: number): void;
  unlockAttempt(outcome: ErrorCode | "ok"): void;
  tokenSuspended(): void;
  sessionOpened(protocol: string): void;
  sessionEnded(protocol: string): void;
  sessionConnection(protocol: string, outcome: ErrorCode | "ok", bytesIn: number, bytesOut: number): void;
  sshCall(action: "exec" | "upload" | "download" | "session", outcome: ErrorCode | "ok"): void;
  saved(outcome: "ok" | "failed", seconds: number): void;
}

export function createEventMetrics(registry: Registry): EventMetrics {
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]): Counter<L> =>
    new Counter({ name: `vault_proxy_${name}`, help, labelNames, registers: [registry] });

  const denials = counter("denials_total", "What the vault refused, by error code.", "reason");
  const limits = counter("limit_denials_total", "Refusals by a limit of a policy, by limit.", "limit");
  const atTheDoor = counter(
    "listener_refusals_total",
    "Requests that no route saw: foreign browsers and hosts, invalid HTTP; by error code.",
    "code",
  );
  const connections = counter("connections_total", "Connections of callers that were accepted.");
  const control = counter(
    "control_requests_total",
    "Requests of the control plane, by class of the status.",
    "status",
  );
  const unlocks = counter(
    "unlock_attempts_total",
    "Attempts to unlock: ok, or an error code; unauthorized is a wrong password.",
    "outcome",
  );
  const suspensions = counter("token_suspensions_total", "Tokens that were suspended.");
  const opened = counter("sessions_opened_total", "TCP sessions that were opened.", "protocol");
  const ended = counter("sessions_ended_total", "TCP sessions that have ended.", "protocol");
  const sessionConnections = counter(
    "session_connections_total",
    "Connections to TCP sessions that have ended: ok, or an error code.",
    "protocol",
    "outcome",
  );
  const sessionBytes = counter(
    "session_bytes_total",
    "Bytes from clients (in) and to clients (out) of TCP sessions, of connections that have ended.",
    "protocol",
    "direction",
  );
  const sshCalls = counter(
    "ssh_calls_total",
    "Commands, transfers and shells by SSH that have ended: ok, or an error code.",
    "action",
    "outcome",
  );
  const saves = counter("vault_saves_total", "Saves of the vault file: ok, or failed.", "outcome");
  const saveSeconds = new PlainHistogram(SAVE_BUCKETS);
  new ScrapedHistogram({
    name: "vault_proxy_vault_save_seconds",
    help: "How long a save of the vault file takes, until it is on the disk.",
    registry,
    histograms: () => [[{}, saveSeconds]],
  });

  return {
    refused(code) {
      if (DENIALS.has(code)) denials.inc({ reason: code });
    },
    limited: (limit) => limits.inc({ limit }),
    refusedAtTheDoor: (code) => atTheDoor.inc({ code }),
    connected: () => connections.inc(),
    controlRequest: (status) => control.inc({ status: `${Math.floor(status / 100)}xx` }),
    unlockAttempt: (outcome) => unlocks.inc({ outcome }),
    tokenSuspended: () => suspensions.inc(),
    sessionOpened: (protocol) => opened.inc({ protocol }),
    sessionEnded: (protocol) => ended.inc({ protocol }),
    sessionConnection(protocol, outcome, bytesIn, bytesOut) {
      sessionConnections.inc({ protocol, outcome });
      sessionBytes.inc({ protocol, direction: "in" }, bytesIn);
      sessionBytes.inc({ protocol, direction: "out" }, bytesOut);
    },
    sshCall: (action, outcome) => sshCalls.inc({ action, outcome }),
    saved(outcome, seconds) {
      saves.inc({ outcome });
      saveSeconds.observe(seconds);
    },
  };
}
