import { VaultError, invalidRequest } from "./errors.js";

export interface Deadline {
  /** Fires on the caller's abort and when the time is up. */
  readonly signal: AbortSignal;
  /** Stops the clock; the caller's abort still counts. */
  stop(): void;
}

/** Longest delay of `setTimeout`; above it the clock would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** @throws VaultError `invalid_request` for what is no length of time */
export function assertTimeout(timeoutMs: number): void {
  if (!(timeoutMs >= 0)) throw invalidRequest("timeoutMs must be a number of milliseconds, 0 for no limit");
}

/**
 * @param timeoutMs 0 or Infinity: no limit
 * @param repeatable whether it does no harm to send the call again
 */
export function startDeadline(
  timeoutMs: number,
  callerSignal: AbortSignal | undefined,
  repeatable: boolean,
): Deadline {
  assertTimeout(timeoutMs);
  const clock = new AbortController();
  const limited = timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS;
  const timer = limited
    ? setTimeout(() => {
        const made = repeatable ? "" : "; the call may have been made";
        const mend = " (`timeoutMs` sets the limit, 0 for none)";
        clock.abort(new VaultError(0, "timeout", `no answer within ${timeoutMs / 1000} s${made}${mend}`));
      }, timeoutMs)
    : undefined;
  return {
    signal: callerSignal === undefined ? clock.signal : AbortSignal.any([callerSignal, clock.signal]),
    stop: () => {
      clearTimeout(timer);
    },
  };
}
