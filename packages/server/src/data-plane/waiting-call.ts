import { NOWHERE } from "../collections/live-list.js";
import type { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { EndableCall, InFlightCalls } from "./in-flight-calls.js";
import type { ServiceRoute } from "./service-routes.js";

/** A call that was not sent yet. */
export interface CallToSend {
  readonly token: { readonly digest: string };
  readonly route: Pick<ServiceRoute, "name" | "hold">;
}

/**
 * Waits, then goes on. Meanwhile the call counts, keeps its connections, and can be ended like any that runs: a token that
 * was revoked is not used when the wait is over.
 *
 * @param end answers the call, which is over then
 * @returns rejects as `pending` and `goOn` do, unless the call was ended
 */
export function whileItCounts(
  calls: InFlightCalls,
  { token, route }: CallToSend,
  pending: Promise<unknown>,
  end: (reason: VaultProxyError) => void,
  goOn: () => Promise<void> | undefined,
): Promise<void> {
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
  const gone = pending.then(
    () => {
      if (isOver) return undefined;
      calls.remove(waiting);
      return goOn();
    },
    (error: unknown) => {
      if (isOver) return;
      calls.remove(waiting);
      throw error;
    },
  );
  return gone.finally(letGo);
}
