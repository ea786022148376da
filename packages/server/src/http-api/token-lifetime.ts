import { parseDuration } from "../config/duration.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";

export interface LifetimeRequest {
  /** A duration as Go writes it. */
  readonly ttl?: string | undefined;
  /** RFC 3339. */
  readonly expires_at?: string | undefined;
}

/**
 * When a token is to expire, in milliseconds since the epoch: after `ttl`, at `expires_at`, or after the default.
 *
 * @param shortestMs how long it must live at least
 * @throws VaultProxyError `invalid_request` that names the field.
 */
export function expiryOf(
  request: LifetimeRequest,
  now: number,
  defaultTtlMs: number,
  shortestMs = 0,
): number {
  if (request.ttl !== undefined && request.expires_at !== undefined) {
    throw new VaultProxyError("invalid_request", "expires_at: must not be given together with ttl");
  }
  if (request.expires_at !== undefined) {
    const expiresAt = Date.parse(request.expires_at);
    // Negated, so that a date that could not be read is refused too.
    if (!(expiresAt > now)) throw new VaultProxyError("invalid_request", "expires_at: must be in the future");
    if (expiresAt - now < shortestMs) throw tooShort("expires_at", shortestMs);
    if (expiresAt - now > HTTP_API_LIMITS.tokenLifetimeMs) throw tooLong("expires_at");
    return expiresAt;
  }
  if (request.ttl === undefined) return now + defaultTtlMs;
  const ttlMs = parseDuration(request.ttl);
  if (ttlMs === undefined || !(ttlMs > 0)) {
    throw new VaultProxyError("invalid_request", "ttl: must be a duration above 0 such as 90s, 24h or 1h30m");
  }
  if (ttlMs < shortestMs) throw tooShort("ttl", shortestMs);
  if (ttlMs > HTTP_API_LIMITS.tokenLifetimeMs) throw tooLong("ttl");
  return now + Math.ceil(ttlMs);
}

/**
 * How long a token may be left unused, in milliseconds, from a duration as Go writes it.
 * @throws VaultProxyError `invalid_request` that names the field.
 */
export function idleTimeoutOf(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined || !(milliseconds >= 1000)) {
    throw new VaultProxyError(
      "invalid_request",
      "idle_timeout: must be a duration of at least 1s such as 15m or 1h30m",
    );
  }
  if (milliseconds > HTTP_API_LIMITS.tokenLifetimeMs) throw tooLong("idle_timeout");
  return Math.ceil(milliseconds);
}

function tooShort(field: string, shortestMs: number): VaultProxyError {
  return new VaultProxyError("invalid_request", `${field}: must be at least ${shortestMs / 1000}s away`);
}

function tooLong(field: string): VaultProxyError {
  return new VaultProxyError("invalid_request", `${field}: must be at most ten years away`);
}
