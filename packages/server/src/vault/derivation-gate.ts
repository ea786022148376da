import { VaultProxyError } from "../errors/vault-proxy-error.js";

/** Lets one task run at a time, a few wait in order, and refuses the rest at once. */
export interface DerivationGate {
  /** @throws {VaultProxyError} `rate_limited` when too many wait, `unavailable` once the gate is closed. */
  run<R>(task: () => Promise<R>): Promise<R>;
  /** Refuses who waits and who comes later; resolves when the running task has ended. */
  close(): Promise<void>;
}

export function createDerivationGate(maxWaiting: number): DerivationGate {
  let closed = false;
  let inside = 0;
  let last: Promise<void> = Promise.resolve();

  const assertOpen = () => {
    if (closed) throw new VaultProxyError("unavailable", "the server is stopping");
  };

  return {
    async run(task) {
      assertOpen();
      if (inside > maxWaiting) {
        throw new VaultProxyError("rate_limited", "too many unlock attempts at once", {
          retryAfterSeconds: 1,
        });
      }
      inside += 1;
      const turn = last.then(() => {
        assertOpen();
        return task();
      });
      last = turn.then(
        () => undefined,
        () => undefined,
      );
      try {
        return await turn;
      } finally {
        inside -= 1;
      }
    },
    async close() {
      closed = true;
      await last;
    },
  };
}
