import type { VaultProxyError } from "../errors/vault-proxy-error.js";
import { auditUnavailable } from "./audit-unavailable.js";
import type { ChainEnd } from "./chain.js";

interface Flush {
  /** Of the last line that is waited for. */
  readonly sequence: number;
  readonly resolve: (head: ChainEnd) => void;
  readonly reject: (error: VaultProxyError) => void;
  readonly timer: NodeJS.Timeout;
}

/** Those who wait until a line, and all before it, are on the disk. */
export class Flushes {
  readonly #waitMs: number;
  #waiting: Flush[] = [];

  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** @returns rejects with `audit_unavailable` when the line is not on the disk in time. */
  add(sequence: number): Promise<ChainEnd> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== flush);
        reject(auditUnavailable());
      }, this.#waitMs);
      const flush = { sequence, resolve, reject, timer };
      this.#waiting.push(flush);
    });
  }

  /** Whether somebody waits only for what is written up to here to be synced. */
  areDue(written: ChainEnd): boolean {
    return this.#waiting.some(({ sequence }) => sequence <= written.sequence);
  }

  /** All up to this line is on the disk. */
  resolve(durable: ChainEnd): void {
    this.#waiting = this.#waiting.filter((flush) => {
      if (flush.sequence > durable.sequence) return true;
      clearTimeout(flush.timer);
      flush.resolve(durable);
      return false;
    });
  }

  rejectAll(): void {
    for (const { timer, reject } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(auditUnavailable());
    }
  }
}
