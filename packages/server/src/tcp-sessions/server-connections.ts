import { setTimeout as delay } from "node:timers/promises";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { ConnectionTools, RunHeavy } from "../protocols/session-driver.js";
import { sessionFailure } from "../protocols/session-failure.js";
import { dial, type ServerAddress } from "../wire/dial.js";
import { ProtocolViolation } from "../wire/protocol-violation.js";
import { startTls, type TlsTrust } from "../wire/start-tls.js";
import type { WireSocket } from "../wire/wire-socket.js";
import { SESSION_LIMITS } from "./session-limits.js";

/** Where a session's connections go, and whom they trust. */
export interface SessionTarget {
  readonly server: ServerAddress;
  readonly trust: () => TlsTrust;
  readonly accessToken: (oauthService: string) => Promise<string>;
  readonly runHeavy: RunHeavy;
}

/** What a driver tells of its client. */
export type ConnectionEvents = Pick<ConnectionTools, "takePlace" | "onLoggedIn">;

/**
 * What a driver gets for one client.
 * @param signal ends everything that is under way, and what was made, with its reason
 */
export function createConnectionTools(
  target: SessionTarget,
  signal: AbortSignal,
  events: ConnectionEvents,
): ConnectionTools {
  /** By each connection that is being logged in: what ends it. */
  const deadlines = new WeakMap<WireSocket, AbortSignal>();
  const destroyWith = (wire: WireSocket, ends: AbortSignal): WireSocket => {
    const onAbort = (): void => wire.destroy(ends.reason as Error);
    if (ends.aborted) onAbort();
    else ends.addEventListener("abort", onAbort, { once: true });
    deadlines.set(wire, ends);
    return wire;
  };

  return {
    async connectServer(logIn) {
      const late = new AbortController();
      const ends = AbortSignal.any([signal, late.signal]);
      const timer = new AbortController();
      try {
        const wire = destroyWith(await dial(target.server, { signal: ends }), ends);
        void delay(SESSION_LIMITS.serverLogInMs, undefined, { signal: timer.signal, ref: false })
          .then(() =>
            late.abort(new VaultProxyError("upstream_timeout", "the server's log-in took too long")),
          )
          .catch(() => undefined);
        return await logIn(wire);
      } catch (error) {
        const failure = asFailure(error);
        // The connection, and the one with TLS on it.
        late.abort(failure);
        throw failure;
      } finally {
        timer.abort();
      }
    },
    async secure(wire) {
      const ends = deadlines.get(wire) ?? signal;
      const secured = await startTls(wire, target.trust(), ends);
      destroyWith(secured.wire, ends);
      return secured;
    },
    async accessToken(oauthService) {
      try {
        return await untilAborted(target.accessToken(oauthService), signal);
      } catch (error) {
        throw error instanceof VaultProxyError && error.code === "not_found" ? noAccessToken() : error;
      }
    },
    runHeavy: (work) =>
      target.runHeavy(() => {
        signal.throwIfAborted();
        return work();
      }),
    ...events,
  };
}

/** Rejects with the signal's reason at once, whatever becomes of `promise`. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Not the service that the session is for: that one is there. */
function noAccessToken(): VaultProxyError {
  return new VaultProxyError("invalid_request", "oauth_service names no service that has an access token");
}

function asFailure(error: unknown): Error {
  return error instanceof ProtocolViolation && error.peer === "client" ? error : sessionFailure(error);
}
