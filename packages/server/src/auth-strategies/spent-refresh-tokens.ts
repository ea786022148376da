import { createHash } from "node:crypto";
import type { Secret } from "../redaction/secret.js";
import { REFRESH_LIMITS } from "./refresh-schedule.js";

/**
 * Digests of refresh tokens that a provider has replaced, the newest last. To use one again may cost the whole grant
 * (RFC 9700 §4.14.2).
 */
export type SpentRefreshTokens = readonly string[];

/** The digests after the provider gave `next` in place of `spent`. */
export function withSpent(known: SpentRefreshTokens, spent: Secret, next: Secret): SpentRefreshTokens {
  const [gone, current] = [digestOf(spent), digestOf(next)];
  if (gone === current) return known;
  return [...known.filter((one) => one !== current && one !== gone), gone].slice(-REFRESH_LIMITS.spentTokens);
}

export function isSpent(known: SpentRefreshTokens, refreshToken: Secret): boolean {
  return known.length > 0 && known.includes(digestOf(refreshToken));
}

function digestOf(refreshToken: Secret): string {
  return createHash("sha256").update(refreshToken.reveal()).digest("base64url");
}
