import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { AuditRecorder } from "./audit/recorder.js";
import type { TokenEvents } from "./auth-strategies/token-holder-parts.js";
import { describeThrown, type Logger } from "./redaction/logger.js";

/** Of the command that is told of failures. */
const LIMITS = { timeoutMs: 60_000, running: 4, outputBytes: 64 * 1024 } as const;

const run = promisify(execFile);

/**
 * Logs and records what becomes of token refreshes, and tells a command of each that failed ahead of time.
 *
 * @param command run without a shell as `command <service> <error code>`; it gets PATH and HOME, nothing else
 */
export function createRefreshReports(
  log: Logger,
  command: string | undefined,
  audit: Pick<AuditRecorder, "record">,
): TokenEvents {
  let running = 0;

  const tell = (path: string, service: string, code: string): void => {
    if (running >= LIMITS.running) {
      log.warn({ service }, "the refresh failure command still runs for others: not run for this service");
      return;
    }
    running += 1;
    const { PATH, HOME } = process.env;
    run(path, [service, code], {
      timeout: LIMITS.timeoutMs,
      maxBuffer: LIMITS.outputBytes,
      env: { PATH, HOME },
    })
      .catch((error: unknown) => {
        log.warn({ service, ...describeThrown(error) }, "the refresh failure command failed");
      })
      .finally(() => (running -= 1));
  };

  return {
    refreshed(service, how) {
      log.info({ service, how }, "access token refreshed");
      audit.record("oauth.refresh", { decision: "allow", service }, { reason: how });
    },
    refreshFailed(service, error, how) {
      // It was allowed, and did not work.
      audit.record("oauth.refresh", { decision: "allow", service, code: error.code }, { reason: how });
      log.warn(
        { service, how, error: error.code, reason: error.message },
        "access token could not be refreshed",
      );
      if (command !== undefined && how === "ahead of time") tell(command, service, error.code);
    },
    unsaved(service, error) {
      log.error(
        { service, ...describeThrown(error) },
        "THE NEW REFRESH TOKEN COULD NOT BE SAVED: it is in memory only, and lost if this server stops or is locked",
      );
    },
    savedAtLast: (service) => log.warn({ service }, "the new refresh token is saved now"),
  };
}
