import type { VaultProxyError } from "../errors/vault-proxy-error.js";
import { auditUnavailable } from "./audit-unavailable.js";
import type { ChainEnd } from "./chain.js";

export interface Flush {
  /** Of the last line that is waited for; infinite for all that there is. */
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

  /** @param sequence Of the last line, or infinite. @returns rejects with `audit_unavailable` when the line is not on the disk in time. */
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

  /** Those who wait only for what is written up to this sequence to be synced. */
  dueAt(sequence: number): readonly Flush[] {
    return this.#waiting.filter((flush) => flush.sequence <= sequence);
  }

  /** What these wait for is on the disk. */
  resolve(due: readonly Flush[], durable: ChainEnd): void {
    this.#waiting = this.#waiting.filter((flush) => !due.includes(flush));
    for (const { timer, resolve } of due) {
      clearTimeout(timer);
      resolve(durable);
    }
  }

  rejectAll(): void {
    for (const { timer, reject } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(auditUnavailable());
    }
  }
}
