import type { AuditAction } from "./audit/audit-action.js";
import type { AuditFacts } from "./audit/audit-entry.js";
import type { OnRecord } from "./audit/recorder.js";
import type { CallMetrics } from "./metrics/call-metrics.js";
import type { EventMetrics } from "./metrics/event-metrics.js";
import type { Plane } from "./metrics/service-series.js";

type Count = (facts: AuditFacts, details: Readonly<Record<string, unknown>> | undefined) => void;

/** Counts all that is recorded: so that metrics and audit log cannot disagree, and neither misses what the other has. */
export function countRecords(calls: CallMetrics, events: EventMetrics): OnRecord {
  const called = (plane: Plane, facts: AuditFacts): void =>
    calls.ended({
      service: facts.service,
      plane,
      status: facts.status,
      code: facts.code,
      bytesIn: facts.bytes_in ?? 0,
      bytesOut: facts.bytes_out ?? 0,
    });
  const bySsh =
    (action: "exec" | "upload" | "download" | "session"): Count =>
    (facts) => {
      called("ssh", facts);
      events.sshCall(action, facts.code ?? "ok");
    };
  const counts: Partial<Record<AuditAction, Count>> = {
    proxy: (facts, details) => called(details === undefined ? "http" : "websocket", facts),
    "ssh.exec": bySsh("exec"),
    "ssh.upload": bySsh("upload"),
    "ssh.download": bySsh("download"),
    "ssh.shell": bySsh("session"),
    "session.open"(facts, details) {
      called("session", { ...facts, status: facts.status ?? 200 });
      if (facts.code === undefined) events.sessionOpened(protocolOf(details));
    },
    "session.connection"({ code, bytes_in = 0, bytes_out = 0 }, details) {
      events.sessionConnection(protocolOf(details), code ?? "ok", bytes_in, bytes_out);
    },
    "session.close": (_facts, details) => events.sessionEnded(protocolOf(details)),
    unlock: ({ code }) => events.unlockAttempt(code ?? "ok"),
    "oauth.refresh": ({ service, code }) => calls.refreshed(service, code ?? "ok"),
    "token.suspend": () => events.tokenSuspended(),
  };

  return (action, facts, details) => {
    if (facts.code !== undefined) events.refused(facts.code);
    counts[action]?.(facts, details);
  };
}

/** Of a session: one of a fixed few. */
function protocolOf(details: Readonly<Record<string, unknown>> | undefined): string {
  const protocol = details?.protocol;
  return typeof protocol === "string" ? protocol : "unknown";
}
