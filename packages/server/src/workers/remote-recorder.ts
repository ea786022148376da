import { auditUnavailable } from "../audit/audit-unavailable.js";
import type { AuditRecorder } from "../audit/recorder.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { WORKER_LIMITS } from "./limits.js";
import type { OwnerLink } from "./owner-link.js";

/** Records calls in the owner's log. */
export interface RemoteRecorder extends Pick<AuditRecorder, "ready" | "record"> {
  /** So many more entries have been taken. */
  confirmed(count: number): void;
  /** Whether the log has no room. */
  setFull(isFull: boolean): void;
  /** Whether the owner says nothing: nobody would record what is done. */
  setSilent(isSilent: boolean): void;
}

/** @param after runs a task later; what it returns takes it back */
export function createRemoteRecorder(
  link: Pick<OwnerLink, "entry">,
  after: (milliseconds: number, task: () => void) => () => void,
): RemoteRecorder {
  let unconfirmed = 0;
  let isFull = false;
  let isSilent = false;
  const waiting = new Set<() => void>();
  const hasRoom = (): boolean => unconfirmed < WORKER_LIMITS.unconfirmedEntries;

  const wait = (milliseconds: number, refusal: () => VaultProxyError): Promise<void> =>
    new Promise((resolve, reject) => {
      const takeBack = after(milliseconds, () => {
        waiting.delete(goOn);
        reject(refusal());
      });
      const goOn = (): void => {
        takeBack();
        waiting.delete(goOn);
        resolve();
      };
      waiting.add(goOn);
    });
  const letIn = (): void => {
    if (!isSilent && hasRoom()) for (const goOn of [...waiting]) goOn();
  };

  return {
    ready() {
      // The owner has waited for room already.
      if (isFull) return Promise.reject(auditUnavailable());
      if (isSilent) return wait(WORKER_LIMITS.ownerWait, ownerSilent);
      return hasRoom() ? undefined : wait(WORKER_LIMITS.auditWait, auditUnavailable);
    },
    record(action, facts, details) {
      unconfirmed += 1;
      link.entry(details === undefined ? [action, facts] : [action, facts, { ...details }]);
    },
    confirmed(count) {
      unconfirmed -= count;
      letIn();
    },
    setFull(full) {
      isFull = full;
    },
    setSilent(silent) {
      isSilent = silent;
      letIn();
    },
  };
}

function ownerSilent(): VaultProxyError {
  return new VaultProxyError("unavailable", "the vault does not answer its workers", {
    retryAfterSeconds: WORKER_LIMITS.ownerWait / 1000,
  });
}
