import type { IssuedToken } from "./issued-token.js";

const MINUTE = 60_000;

/** When tokens are had anew. Milliseconds, and shares of a token's life. */
export const REFRESH_LIMITS = {
  /** A token with less to live is not used any more, or with less than that share of its lifetime. */
  margin: 30_000,
  marginShare: 0.2,
  proactiveShare: 0.9,
  proactiveMin: 30_000,
  /** After a failure, until the next try of the server's own accord. */
  retryMin: 30_000,
  retryMax: 5 * MINUTE,
  retryJitterShare: 0.2,
  /** After a failure, for how long calls are answered by it without asking the provider again. */
  holdOffMin: 2_000,
  holdOffMax: MINUTE,
  holdOffAfterRefusal: MINUTE,
  /** Tries of one refresh, while calls wait for it. */
  attempts: 3,
  attemptDelay: 500,
  longestAttemptDelay: 5_000,
  /** How long a call waits for a token. */
  callWait: 30_000,
  /** No try begins later than this after the first one. */
  lastAttempt: 25_000,
  /** Earlier tokens that are still searched for in answers, as long as they may be good. */
  earlierTokens: 8,
  /** Refresh tokens that were replaced and are known as such, of one service. */
  spentTokens: 32,
  /** A token that the upstream refused is not replaced if it is younger. */
  replaceMinAge: MINUTE,
  /** Refreshes of the server's own accord that run at once. */
  concurrent: 8,
  /** Between two tries to save a refresh token that could not be saved. */
  saveRetryMin: 5_000,
  saveRetryMax: 5 * MINUTE,
} as const;

/** Whether the token can be used without asking for another first. @param now milliseconds since the epoch */
export function isFresh(token: IssuedToken, now: number): boolean {
  const lifetime = (token.expiresAt - token.issuedAt) * 1000;
  const margin = Math.min(REFRESH_LIMITS.margin, lifetime * REFRESH_LIMITS.marginShare);
  return token.expiresAt * 1000 - now > margin;
}

/** Whether it may still be used where no other can be had. */
export function isAlive(token: IssuedToken, now: number): boolean {
  return token.expiresAt * 1000 > now;
}

/** Milliseconds until the token is refreshed of the server's own accord. */
export function proactiveDelay(token: IssuedToken, now: number): number {
  const remaining = token.expiresAt * 1000 - now;
  return Math.max(REFRESH_LIMITS.proactiveMin, remaining * REFRESH_LIMITS.proactiveShare);
}

/** @param failures in a row, 1 or more @param random 0 to 1 */
export function retryDelay(failures: number, random: number): number {
  const { retryMin, retryMax, retryJitterShare } = REFRESH_LIMITS;
  const base = doubled(retryMin, failures, retryMax);
  return Math.min(retryMax, base * (1 + retryJitterShare * random));
}

/** How long calls get the failure of the last refresh. */
export function holdOff(failures: number, isTemporary: boolean): number {
  const { holdOffMin, holdOffMax, holdOffAfterRefusal } = REFRESH_LIMITS;
  return isTemporary ? doubled(holdOffMin, failures, holdOffMax) : holdOffAfterRefusal;
}

/** Between two tries of one refresh. @param asked what the provider asked for, if it did */
export function attemptDelay(attempt: number, asked: number | undefined, random: number): number {
  const { attemptDelay: base, longestAttemptDelay } = REFRESH_LIMITS;
  return Math.min(longestAttemptDelay, asked ?? doubled(base, attempt, longestAttemptDelay) * (1 + random));
}

export function saveRetryDelay(failures: number): number {
  return doubled(REFRESH_LIMITS.saveRetryMin, failures, REFRESH_LIMITS.saveRetryMax);
}

function doubled(first: number, turn: number, most: number): number {
  return Math.min(most, first * 2 ** Math.min(turn - 1, 20));
}
