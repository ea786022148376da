import type { SshAccess } from "../auth-strategies/auth-strategy.js";
import { usableRecord } from "../auth-strategies/imported-service.js";
import { sshUseOf, type ServiceRecord } from "../auth-strategies/service-definition.js";
import { parseDuration } from "../config/duration.js";
import type { EndableCall, InFlightCalls } from "../data-plane/in-flight-calls.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { TokenRecord } from "../tokens/token-record.js";
import type { ChannelUse } from "./ssh-connection.js";
import type { SshConnections } from "./ssh-connections.js";

/** Who wants something of which service. */
export interface SshCaller {
  readonly token: TokenRecord;
  readonly service: string;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
}

/** A call that runs. */
export interface SshCall {
  readonly service: string;
  readonly token: TokenRecord;
  readonly access: SshAccess;
  /** After how long without any traffic a shell ends, in milliseconds; undefined if it may be still. */
  readonly idleTimeoutMs: number | undefined;
  /** Ends the call with its reason: the caller left, or it was ended from outside. */
  readonly signal: AbortSignal;
  /** Opens a channel at the service's server, on a connection that others use too. */
  withChannel<Channel, Result>(use: ChannelUse<Channel, Result>): Promise<Result>;
}

export interface SshCalls {
  /**
   * Runs `task` as a call of the token, which a lock, a revocation and the service's deletion end.
   * @throws VaultProxyError `not_found`, `invalid_request` for a service of another type, `rate_limited`; what `task` throws
   */
  run<Result>(caller: SshCaller, task: (call: SshCall) => Promise<Result>): Promise<Result>;
}

export interface SshCallsParts {
  /** The committed services. Throws while locked. */
  readonly records: () => ReadonlyMap<string, ServiceRecord>;
  readonly connections: SshConnections;
  readonly calls: InFlightCalls;
  /** Calls of one token that may run at once. */
  readonly maxCallsPerToken: number;
}

export function createSshCalls(parts: SshCallsParts): SshCalls {
  return {
    async run(caller, task) {
      if (parts.calls.countOf(caller.token.digest) >= parts.maxCallsPerToken) {
        throw new VaultProxyError("rate_limited", "too many calls of this token at once", {
          retryAfterSeconds: 1,
        });
      }
      const stored = parts.records().get(caller.service);
      if (stored === undefined) throw new VaultProxyError("not_found", "no such service");
      const record = usableRecord(stored);
      const access = sshUseOf(record)?.access(record.auth);
      if (access === undefined) {
        throw new VaultProxyError(
          "invalid_request",
          `service ${record.name} is of type ${record.auth.type}, not ssh_key`,
        );
      }
      const ends = new AbortController();
      const endable: EndableCall = {
        tokenDigest: caller.token.digest,
        serviceName: record.name,
        end: (reason) => ends.abort(reason),
      };
      const onCallerGone = (): void => {
        ends.abort(new VaultProxyError("invalid_request", "the caller went away"));
      };
      if (caller.signal.aborted) onCallerGone();
      caller.signal.addEventListener("abort", onCallerGone, { once: true });
      parts.calls.add(endable);
      try {
        return await task({
          service: record.name,
          token: caller.token,
          access,
          idleTimeoutMs: record.idle_timeout === undefined ? undefined : parseDuration(record.idle_timeout),
          signal: ends.signal,
          withChannel: (use) => parts.connections.withChannel(record, ends.signal, use),
        });
      } finally {
        parts.calls.remove(endable);
        caller.signal.removeEventListener("abort", onCallerGone);
      }
    },
  };
}
