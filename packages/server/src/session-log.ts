import type { AuditFacts } from "./audit/audit-entry.js";
import type { AuditRecorder } from "./audit/recorder.js";
import type { Logger } from "./redaction/logger.js";
import type { SessionEvents, SessionIdentity } from "./tcp-sessions/session-registry.js";

/** Tells of sessions as of calls: at debug only. What ends is recorded in the audit log too. */
export function createSessionLog(
  log: Pick<Logger, "debug">,
  audit: Pick<AuditRecorder, "record">,
): SessionEvents {
  const facts = ({ service, token }: SessionIdentity): AuditFacts => ({
    ...{ service, token: token.id_prefix, token_name: token.name },
    decision: "allow",
  });
  const about = ({ id, protocol, service, token }: SessionIdentity): Record<string, string> => ({
    ...{ session: id, protocol, service },
    token: token.id_prefix,
  });
  return {
    opened: (session) => log.debug(about(session), "session opened"),
    connectionEnded(session, { connected, end, error, bytesIn, bytesOut, seconds }) {
      log.debug(
        {
          ...about(session),
          ...{ connected, end, bytes_in: bytesIn, bytes_out: bytesOut, seconds },
          ...(error === undefined ? {} : { error: error.code, reason: error.message }),
        },
        "session connection ended",
      );
      audit.record(
        "session.connection",
        {
          ...facts(session),
          decision: connected ? "allow" : "deny",
          ...{ code: error?.code, bytes_in: bytesIn, bytes_out: bytesOut, ms: seconds * 1000 },
        },
        { session: session.id, protocol: session.protocol, end },
      );
    },
    ended(session, { bytesIn, bytesOut }) {
      log.debug(about(session), "session ended");
      audit.record(
        "session.close",
        { ...facts(session), bytes_in: bytesIn, bytes_out: bytesOut },
        { session: session.id, protocol: session.protocol },
      );
    },
  };
}
