import type { OutgoingRequest } from "../auth-strategies/auth-strategy.js";
import { NOWHERE } from "../collections/live-list.js";
import type { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { EndableCall, InFlightCalls } from "./in-flight-calls.js";
import type { ServiceRoute } from "./service-routes.js";

/** A call that may be made, without its credential yet. */
export interface CallToInject {
  readonly token: { readonly digest: string };
  readonly route: Pick<ServiceRoute, "name" | "injector" | "hold">;
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
  { token, route, outgoing }: CallToInject,
  end: (reason: VaultProxyError) => void,
  goOn: () => void,
): Promise<void> | undefined {
  const pending = route.injector.inject(outgoing);
  if (pending === undefined) {
    goOn();
    return undefined;
  }
  const letGo = route.hold();
  let isOver = false;
  const waiting: EndableCall = {
    tokenDigest: token.digest,
    serviceName: route.name,
    place: NOWHERE,
    end(reason) {
      isOver = true;
      calls.remove(waiting);
      end(reason);
    },
  };
  calls.add(waiting);
  const sent = pending.then(
    () => {
      if (isOver) return;
      calls.remove(waiting);
      goOn();
    },
    (error: unknown) => {
      if (isOver) return;
      calls.remove(waiting);
      throw error;
    },
  );
  return sent.finally(letGo);
}
