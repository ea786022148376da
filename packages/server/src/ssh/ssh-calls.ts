import type { SshAccess } from "../auth-strategies/auth-strategy.js";
import { usableRecord } from "../auth-strategies/imported-service.js";
import { sshUseOf, type ServiceRecord } from "../auth-strategies/service-definition.js";
import { parseDuration } from "../config/duration.js";
import type { Authorizer, Grant } from "../authorization/authorizer.js";
import type { Action } from "../policies/action.js";
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

/** What a call is about to do. */
export type SshAction = Omit<Extract<Action, { kind: "ssh" }>, "kind" | "service">;

/** What comes with the permission. */
export interface SshPermit {
  /** What is to be run in place of the command that was asked for: the same words, quoted. */
  readonly command: string | undefined;
  /** Lists of remote paths: in each of them the path must be, also when the server has resolved its links. */
  readonly pathLists: readonly (readonly string[])[];
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
  /**
   * Decides whether the token may do this at the service, before anything of it is done.
   * @throws VaultProxyError `policy_denied`, `rate_limited`
   */
  permit(action: SshAction): Promise<SshPermit>;
  /** Counts bytes that the caller sends or gets: beyond the token's limit they end the call. */
  countBytes(bytes: number): void;
  /** Opens a channel, after {@link SshCall.permit}, at the service's server, on a connection that others use too. */
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
  readonly authorize: Authorizer["authorize"];
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
      let grant: Grant | undefined;
      try {
        return await task({
          service: record.name,
          token: caller.token,
          access,
          idleTimeoutMs: record.idle_timeout === undefined ? undefined : parseDuration(record.idle_timeout),
          signal: ends.signal,
          async permit(action) {
            grant?.release();
            grant = parts.authorize(caller.token, { kind: "ssh", service: record.name, ...action });
            await grant.ready;
            grant.onWithdrawn((reason) => ends.abort(reason));
            ends.signal.throwIfAborted();
            return grant;
          },
          countBytes(bytes) {
            const refusal = grant?.takePassedBytes(bytes);
            if (refusal !== undefined) ends.abort(refusal);
          },
          withChannel(use) {
            if (grant === undefined) throw new VaultProxyError("internal", "nothing has been permitted");
            return parts.connections.withChannel(record, ends.signal, use);
          },
        });
      } finally {
        grant?.release();
        parts.calls.remove(endable);
        caller.signal.removeEventListener("abort", onCallerGone);
      }
    },
  };
}
