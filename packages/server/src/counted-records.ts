import type { OnRecord } from "./audit/recorder.js";
import type { CallMetrics } from "./metrics/call-metrics.js";
import type { EventMetrics } from "./metrics/event-metrics.js";

const SSH_ACTIONS = {
  "ssh.exec": "exec",
  "ssh.upload": "upload",
  "ssh.download": "download",
  "ssh.shell": "session",
} as const;

/** Counts all that is recorded: so that metrics and audit log cannot disagree, and neither misses what the other has. */
export function countRecords(calls: CallMetrics, events: EventMetrics): OnRecord {
  return (action, facts, details) => {
    const { service, status, code, bytes_in: bytesIn = 0, bytes_out: bytesOut = 0 } = facts;
    if (code !== undefined) events.refused(code);
    const call = { service, status, code, bytesIn, bytesOut };
    const outcome = code ?? "ok";
    switch (action) {
      case "proxy":
        calls.ended({ ...call, plane: details === undefined ? "http" : "websocket" });
        break;
      case "ssh.exec":
      case "ssh.upload":
      case "ssh.download":
      case "ssh.shell":
        calls.ended({ ...call, plane: "ssh" });
        events.sshCall(SSH_ACTIONS[action], outcome);
        break;
      case "session.open":
        calls.ended({ ...call, status: status ?? 200, plane: "session" });
        if (code === undefined) events.sessionOpened(protocolOf(details));
        break;
      case "session.connection":
        events.sessionConnection(protocolOf(details), outcome, bytesIn, bytesOut);
        break;
      case "session.close":
        events.sessionEnded(protocolOf(details));
        break;
      case "unlock":
        events.unlockAttempt(outcome);
        break;
      case "oauth.refresh":
        calls.refreshed(service, outcome);
        break;
      case "token.suspend":
        events.tokenSuspended();
        break;
    }
  };
}

function protocolOf(details: object | undefined): string {
  const { protocol } = (details ?? {}) as { readonly protocol?: unknown };
  return typeof protocol === "string" ? protocol : "unknown";
}
