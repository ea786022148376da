import { VaultError, invalidRequest } from "./errors.js";

/** Milliseconds before each further attempt: long enough for a connection that was just closed, or a server's restart. */
const DELAYS_MS = [100, 400, 1_600, 3_200, 6_400] as const;

/** @throws VaultError `invalid_request` */
export function assertRetries(retries: number): void {
  if (Number.isInteger(retries) && retries >= 0 && retries <= DELAYS_MS.length) return;
  throw invalidRequest(`retries must be a whole number from 0 to ${DELAYS_MS.length}`);
}

/**
 * Attempts again what failed without an answer: nobody listened, or the connection was lost. For requests only that
 * change nothing and whose body can be sent twice (RFC 9110 §9.2.2).
 * @throws what the last attempt threw; the signal's reason once it is aborted
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  retries: number,
  signal: AbortSignal,
): Promise<T> {
  for (const delay of DELAYS_MS.slice(0, retries)) {
    try {
      return await attempt();
    } catch (error) {
      // A VaultError here says what is wrong with the request itself.
      if (signal.aborted || error instanceof VaultError) throw error;
    }
    await wait(delay, signal);
  }
  return attempt();
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", end, { once: true });
  });
}
