import type { MiddlewareHandler } from "hono";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { SlidingWindow } from "../policies/sliding-window.js";
import type { TokenRegistry } from "../tokens/token-registry.js";
import type { ControlPlaneEnv } from "./control-plane.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";

const MINUTE_MS = 60_000;

/**
 * Lets a token, with all that descend from the same one, ask for only so many children a minute, whatever comes of it:
 * comparing policies and saving the vault cost everybody time. Runs once the token is known, before the body is read.
 *
 * @param clock milliseconds since the epoch
 * @returns what rejects with VaultProxyError `rate_limited`
 */
export function limitChildRequests(
  tokens: Pick<TokenRegistry, "lineage">,
  clock: () => number,
): MiddlewareHandler<ControlPlaneEnv> {
  const limit = HTTP_API_LIMITS.childRequestsPerMinute;
  /** By the digest of the first token of each tree. */
  const windows = new Map<string, SlidingWindow>();
  const dropIdle = (now: number): void => {
    for (const [digest, window] of windows) if (window.remaining(now) === limit) windows.delete(digest);
  };
  return async function refuseTooMany(c, next) {
    const now = clock();
    const token = c.get("token");
    const { digest } = tokens.lineage(token).at(-1) ?? token;
    dropIdle(now);
    const window = windows.get(digest) ?? new SlidingWindow(limit, MINUTE_MS);
    windows.set(digest, window);
    if (window.remaining(now) === 0) {
      throw new VaultProxyError("rate_limited", "too many children of this token were asked for", {
        retryAfterSeconds: Math.ceil(window.untilMoreRoom(now) / 1000),
      });
    }
    window.add(now);
    await next();
  };
}
