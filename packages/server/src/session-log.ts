import type { Logger } from "./redaction/logger.js";
import type { SessionEvents, SessionIdentity } from "./tcp-sessions/session-registry.js";

/** Tells of sessions as of calls: at debug only. */
export function createSessionLog(log: Pick<Logger, "debug">): SessionEvents {
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
          ...(error === undefined ? {} : { code: error.code, reason: error.message }),
        },
        "session connection ended",
      );
    },
    ended: (session) => log.debug(about(session), "session ended"),
  };
}
