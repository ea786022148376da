import type { OutgoingRequest } from "../auth-strategies/auth-strategy.js";
import type { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { InFlightCalls } from "./in-flight-calls.js";
import type { ServiceRoute } from "./service-routes.js";
import { whileItCounts, type CallToSend } from "./waiting-call.js";

/** A call that may be made, without its credential yet. */
export interface CallToInject extends CallToSend {
  readonly route: CallToSend["route"] & Pick<ServiceRoute, "injector">;
  readonly outgoing: OutgoingRequest;
}

/**
 * Adds the credential, then goes on, at once where nothing must be fetched for it. While it is fetched, the call counts
 * and can be ended like any that runs.
 *
 * @param end answers the call, which is over then
 */
export function injectCredential(
  calls: InFlightCalls,
  call: CallToInject,
  end: (reason: VaultProxyError) => void,
  goOn: () => void,
): Promise<void> | undefined {
  const pending = call.route.injector.inject(call.outgoing);
  if (pending !== undefined) {
    return whileItCounts(calls, call, pending, end, () => {
      goOn();
      return undefined;
    });
  }
  goOn();
  return undefined;
}
