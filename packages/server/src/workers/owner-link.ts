import type { ErrorCode } from "../errors/error-codes.js";
import { WORKER_LIMITS } from "./limits.js";
import type { Batch, SentEntry, SentTimes, WorkerMessage } from "./messages.js";

/** What a worker says to its owner. */
export interface OwnerLink {
  /**
   * At once.
   * @param onSent called when it is with the system, so that it arrives whatever becomes of this process
   */
  send(message: WorkerMessage, onSent?: () => void): void;
  /** Soon, with what else comes until then. */
  entry(entry: SentEntry): void;
  times(times: SentTimes): void;
  used(digest: string): void;
  refused(code: ErrorCode): void;
  /** Sends what was gathered. */
  flush(): void;
}

/** @param send gives one message to the channel */
export function createOwnerLink(send: OwnerLink["send"]): OwnerLink {
  let entries: SentEntry[] = [];
  let times: SentTimes[] = [];
  let refused: ErrorCode[] = [];
  const used = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    if (timer === undefined) return;
    clearTimeout(timer);
    timer = undefined;
    const batch: Batch = { entries, times, refused, used: [...used] };
    entries = [];
    times = [];
    refused = [];
    used.clear();
    send({ type: "batch", ...batch });
  };
  const flushSoon = (): void => {
    timer ??= setTimeout(flush, WORKER_LIMITS.gather);
  };

  return {
    send,
    entry(entry) {
      entries.push(entry);
      flushSoon();
    },
    times(each) {
      times.push(each);
      flushSoon();
    },
    used(digest) {
      used.add(digest);
      flushSoon();
    },
    refused(code) {
      refused.push(code);
      flushSoon();
    },
    flush,
  };
}
