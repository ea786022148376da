import type { IssuedToken } from "../auth-strategies/issued-token.js";
import { TokenEndpointError } from "../auth-strategies/oauth2/token-endpoint-error.js";
import { FlowError } from "./flow-failure.js";
import { FLOW_LIMITS } from "./flow-limits.js";

export interface DevicePollingParts {
  /** Asks the token endpoint once. */
  readonly ask: () => Promise<IssuedToken>;
  /** Rejects when the signal is aborted. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
  readonly signal: AbortSignal;
}

/**
 * Asks until the person has decided (RFC 8628 §3.4, §3.5).
 * @param intervalMs as the provider said, within the limits
 * @throws FlowError or VaultProxyError when there will be no token; anything once the signal is aborted
 */
export async function pollForToken(intervalMs: number, parts: DevicePollingParts): Promise<IssuedToken> {
  const { slowDown, most } = FLOW_LIMITS.pollMs;
  let interval = intervalMs;
  let pause = interval;
  for (;;) {
    await parts.wait(pause, parts.signal);
    try {
      return await parts.ask();
    } catch (thrown) {
      parts.signal.throwIfAborted();
      if (!(thrown instanceof TokenEndpointError)) throw thrown;
      if (thrown.providerError === "slow_down") interval = Math.min(interval + slowDown, most);
      pause = pauseAfter(thrown, interval, pause);
    }
  }
}

function pauseAfter(error: TokenEndpointError, interval: number, pause: number): number {
  switch (error.providerError) {
    case "authorization_pending":
    case "slow_down":
      return Math.max(interval, error.retryAfterMs ?? 0);
    case "access_denied":
      throw new FlowError("access_denied", "the login was refused at the provider");
    case "expired_token":
      throw new FlowError("expired", "the login took too long");
    default:
      if (!error.isTemporary) throw error;
      return Math.max(
        interval,
        error.retryAfterMs ?? Math.min(pause * 2, FLOW_LIMITS.pollMs.mostAfterFailure),
      );
  }
}
