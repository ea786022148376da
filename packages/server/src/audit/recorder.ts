import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { describeThrown, type Logger } from "../redaction/logger.js";
import type { AuditAction, AuditDetails } from "./audit-action.js";
import type { AuditEntry, AuditFacts } from "./audit-entry.js";
import type { AuditLog } from "./audit-log.js";
import { UnmadeEntry, type LineMaker } from "./entry-members.js";

/** What whoever does something records it with. Where the log is off, everything is at once and does nothing. */
export interface AuditRecorder {
  /**
   * Whether there is room for an entry: undefined, or what to wait for before something is done that would be recorded.
   *
   * @returns rejects with `audit_unavailable` when there is none for 5 s.
   */
  ready(): Promise<void> | undefined;
  /** Records what was done or refused, without waiting for the disk. Never throws. The facts must not change any more. */
  record<A extends AuditAction>(action: A, facts: AuditFacts, details?: AuditDetails<A>): void;
  /**
   * Records a change before it is answered: resolves when its line is on the disk.
   *
   * @throws {VaultProxyError} `audit_unavailable` when that takes over 5 s. The line waits in memory then.
   */
  flushed<A extends AuditAction>(action: A, facts: AuditFacts, details?: AuditDetails<A>): Promise<void>;
  /**
   * Whether changes can be recorded: resolves when all that was recorded before is on the disk.
   *
   * @throws {VaultProxyError} `audit_unavailable`
   */
  writable(): Promise<void>;
}

export interface AuditRecorderParts {
  /** Undefined where the server runs without one. */
  readonly log: Pick<AuditLog, "ready" | "record" | "flush"> | undefined;
  readonly maker: LineMaker;
  readonly consoleLog: Pick<Logger, "error">;
  /** Hears of all that is recorded, also where there is no log. Must not throw. */
  readonly onRecord?: OnRecord | undefined;
}

export type OnRecord = (
  action: AuditAction,
  facts: AuditFacts,
  details: Readonly<Record<string, unknown>> | undefined,
) => void;

export function createAuditRecorder({ log, maker, consoleLog, onRecord }: AuditRecorderParts): AuditRecorder {
  if (log === undefined) {
    return {
      ready: () => undefined,
      record: (action, facts, details) => onRecord?.(action, facts, details),
      flushed(action, facts, details) {
        onRecord?.(action, facts, details);
        return Promise.resolve();
      },
      writable: () => Promise.resolve(),
    };
  }

  return {
    ready: () => log.ready(),
    record(action, facts, details) {
      onRecord?.(action, facts, details);
      try {
        // The log itself says how many it has lost.
        log.record(new UnmadeEntry(maker, action, facts, details))?.catch(() => undefined);
      } catch (thrown) {
        notMade(action, thrown);
      }
    },
    async flushed(action, facts, details) {
      onRecord?.(action, facts, details);
      await log.record(made(action, () => maker.entry(action, facts, details)));
      await log.flush();
    },
    async writable() {
      await log.flush();
    },
  };

  function made(action: AuditAction, make: () => AuditEntry): AuditEntry {
    try {
      return make();
    } catch (thrown) {
      notMade(action, thrown);
      throw new VaultProxyError("internal", "internal error", { cause: thrown });
    }
  }

  function notMade(action: AuditAction, thrown: unknown): void {
    consoleLog.error({ action, ...describeThrown(thrown) }, "an audit entry could not be made");
  }
}
