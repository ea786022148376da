import { VaultProxyError } from "../errors/vault-proxy-error.js";

/** What a queue does with a draft: the two ends of a commit. */
export interface CommitSteps<Draft> {
  /** A draft of the committed state. */
  begin(): Draft;
  /** Saves the draft and makes it visible; rejects if nothing was changed by it. */
  commit(draft: Draft): Promise<void>;
}

/** Group commit: changes that come while a save runs share the next one. */
export interface CommitQueue<Draft> {
  /**
   * Applies the change at its turn and resolves after the save that has it. `apply` must be synchronous, and must
   * leave the draft as it was when it throws; that rejects this change alone. A failed save rejects all that were in it.
   */
  submit<R>(apply: (draft: Draft) => R): Promise<R>;
  /** Rejects what has not started, and all that comes later, with `reason`; resolves when the running save ended. */
  close(reason: VaultProxyError): Promise<void>;
}

interface Job<Draft> {
  /** Applies the change and gives what to call after the save. */
  apply(draft: Draft): () => void;
  reject(reason: unknown): void;
}

export function createCommitQueue<Draft>(steps: CommitSteps<Draft>, maxWaiting: number): CommitQueue<Draft> {
  let waiting: Job<Draft>[] = [];
  let running: Promise<void> | undefined;
  let closedBecause: VaultProxyError | undefined;

  async function commitGroup(group: readonly Job<Draft>[]): Promise<void> {
    const draft = steps.begin();
    const applied: { readonly job: Job<Draft>; readonly resolve: () => void }[] = [];
    for (const job of group) {
      try {
        applied.push({ job, resolve: job.apply(draft) });
      } catch (error) {
        job.reject(error);
      }
    }
    if (applied.length === 0) return;
    try {
      await steps.commit(draft);
    } catch (error) {
      for (const { job } of applied) job.reject(error);
      return;
    }
    for (const { resolve } of applied) resolve();
  }

  async function run(): Promise<void> {
    // One turn of the event loop's microtasks, so that changes made together share the first save too.
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await commitGroup(group);
    }
    running = undefined;
  }

  return {
    submit(apply) {
      return new Promise((resolve, reject) => {
        if (closedBecause !== undefined) {
          reject(closedBecause);
          return;
        }
        if (waiting.length >= maxWaiting) {
          reject(new VaultProxyError("unavailable", "too many changes at once", { retryAfterSeconds: 1 }));
          return;
        }
        waiting.push({
          apply: (draft) => {
            const result = apply(draft);
            return () => resolve(result);
          },
          reject,
        });
        running ??= run();
      });
    },

    async close(reason) {
      closedBecause ??= reason;
      const dropped = waiting;
      waiting = [];
      for (const job of dropped) job.reject(reason);
      await running;
    },
  };
}
