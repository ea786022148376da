import { auditUnavailable } from "../audit/audit-unavailable.js";
import type { AuditRecorder } from "../audit/recorder.js";
import { WORKER_LIMITS } from "./limits.js";
import type { OwnerLink } from "./owner-link.js";

/** Records calls in the owner's log. */
export interface RemoteRecorder extends Pick<AuditRecorder, "ready" | "record"> {
  /** So many more entries have been taken. */
  confirmed(count: number): void;
  /** Whether the log has no room. */
  setFull(isFull: boolean): void;
}

/** @param after runs a task later; what it returns takes it back */
export function createRemoteRecorder(
  link: Pick<OwnerLink, "entry">,
  after: (milliseconds: number, task: () => void) => () => void,
): RemoteRecorder {
  let unconfirmed = 0;
  let isFull = false;
  const waiting = new Set<() => void>();
  const hasRoom = (): boolean => unconfirmed < WORKER_LIMITS.unconfirmedEntries;

  return {
    ready() {
      // The owner has waited for room already.
      if (isFull) return Promise.reject(auditUnavailable());
      if (hasRoom()) return undefined;
      return new Promise((resolve, reject) => {
        const takeBack = after(WORKER_LIMITS.auditWait, () => {
          waiting.delete(goOn);
          reject(auditUnavailable());
        });
        const goOn = (): void => {
          takeBack();
          waiting.delete(goOn);
          resolve();
        };
        waiting.add(goOn);
      });
    },
    record(action, facts, details) {
      unconfirmed += 1;
      link.entry(details === undefined ? [action, facts] : [action, facts, { ...details }]);
    },
    confirmed(count) {
      unconfirmed -= count;
      if (hasRoom()) for (const goOn of [...waiting]) goOn();
    },
    setFull(full) {
      isFull = full;
    },
  };
}
