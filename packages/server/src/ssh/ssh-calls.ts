import type { SshAccess } from "../auth-strategies/auth-strategy.js";
import { usableRecord } from "../auth-strategies/imported-service.js";
import { sshUseOf, type ServiceRecord } from "../auth-strategies/service-definition.js";
import { parseDuration } from "../config/duration.js";
import type { Authorizer } from "../authorization/authorizer.js";
import type { Grant } from "../authorization/grant.js";
import type { Action } from "../policies/action.js";
import { performance } from "node:perf_hooks";
import { isDeepStrictEqual } from "node:util";
import { SSH_LIMITS } from "./ssh-limits.js";
import type { AuditRecorder } from "../audit/recorder.js";
import type { RuleAction } from "../policies/policy-schema.js";
import { recordSshCall, type CallOrigin, type SshNotes } from "./ssh-call-audit.js";
import type { EndableCall, InFlightCalls } from "../data-plane/in-flight-calls.js";
import { NOWHERE } from "../collections/live-list.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { TokenRecord } from "../tokens/token-record.js";
import type { ChannelUse } from "./ssh-connection.js";
import type { SshConnections } from "./ssh-connections.js";

/** Who wants something of which service. */
export interface SshCaller {
  readonly token: TokenRecord;
  readonly service: string;
  /** What is to be done there. */
  readonly action: RuleAction;
  /** As far as it is known before the call runs. */
  readonly details?: SshAction;
  readonly origin: CallOrigin;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
}

/** What a call is about to do, as the caller wrote it. */
export type SshAction = Pick<Extract<Action, { kind: "ssh" }>, "command" | "remotePath">;

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
  permit(details: SshAction): Promise<SshPermit>;
  /** Adds to what is recorded of the call; a justification goes before that of its origin. */
  note(noted: SshNotes): void;
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
  /** The committed services changed: calls that are not what these allow any more are ended. */
  refresh(services: ReadonlyMap<string, ServiceRecord>): void;
}

export interface SshCallsParts {
  /** The committed services. Throws while locked. */
  readonly records: () => ReadonlyMap<string, ServiceRecord>;
  readonly connections: SshConnections;
  readonly authorize: Authorizer["authorize"];
  readonly audit: Pick<AuditRecorder, "ready" | "record">;
  readonly calls: InFlightCalls;
  /** Calls of one token that may run at once. */
  readonly maxCallsPerToken: number;
}

export function createSshCalls(parts: SshCallsParts): SshCalls {
  const running = new Set<RunningCall>();
  const refuseTooMany = ({ token, service }: SshCaller): void => {
    let own = 0;
    for (const call of running)
      if (call.tokenDigest === token.digest && call.serviceName === service) own += 1;
    const isTooMany =
      own >= SSH_LIMITS.callsPerTokenAndService ||
      parts.calls.countOf(token.digest) >= parts.maxCallsPerToken;
    if (!isTooMany) return;
    throw new VaultProxyError("rate_limited", "too many calls of this token at once", {
      retryAfterSeconds: 1,
    });
  };
  return {
    refresh(services) {
      for (const call of [...running]) call.holdTo(services.get(call.serviceName));
    },
    async run(caller, task) {
      const call = new RunningCall(parts, caller);
      try {
        refuseTooMany(caller);
        running.add(call);
        const result = await call.run(task);
        call.record(undefined);
        return result;
      } catch (error) {
        call.record(error);
        throw error;
      } finally {
        running.delete(call);
      }
    },
  };
}

/** What a call may do, and where. */
function boundsOf({ host, port, user, allowedCommands, allowedPaths }: SshAccess): unknown {
  return { host, port, user, allowedCommands, allowedPaths };
}

/** A call from its admission to its end. */
class RunningCall implements EndableCall {
  readonly tokenDigest: string;
  readonly serviceName: string;
  place = NOWHERE;
  readonly #parts: SshCallsParts;
  readonly #caller: SshCaller;
  readonly #ends = new AbortController();
  readonly #startedAt = performance.now();
  #access: SshAccess | undefined;
  #grant: Grant | undefined;
  #details: SshAction = {};
  #isBegun = false;
  #notes: SshNotes = {};
  #bytes = 0;

  constructor(parts: SshCallsParts, caller: SshCaller) {
    this.#parts = parts;
    this.#caller = caller;
    this.tokenDigest = caller.token.digest;
    this.serviceName = caller.service;
  }

  end(reason: VaultProxyError): void {
    this.#ends.abort(reason);
  }

  /** Ends what another server, another user or a narrower list would not have begun. */
  holdTo(record: ServiceRecord | undefined): void {
    const then = this.#access;
    const now = record === undefined ? undefined : sshUseOf(record)?.access(record.auth);
    // A deleted service's calls are ended by its deletion.
    if (record === undefined || then === undefined) return;
    if (now !== undefined && isDeepStrictEqual(boundsOf(then), boundsOf(now))) return;
    this.end(new VaultProxyError("conflict", "this service was changed"));
  }

  async run<Result>(task: (call: SshCall) => Promise<Result>): Promise<Result> {
    const { calls } = this.#parts;
    const { signal } = this.#caller;
    const { record, access } = this.#find();
    const onCallerGone = (): void => this.end(new VaultProxyError("invalid_request", "the caller went away"));
    if (signal.aborted) onCallerGone();
    signal.addEventListener("abort", onCallerGone, { once: true });
    calls.add(this);
    try {
      return await task(this.#callOf(record, access));
    } finally {
      this.#grant?.release();
      calls.remove(this);
      signal.removeEventListener("abort", onCallerGone);
    }
  }

  record(thrown: unknown): void {
    const { token, service, action, origin } = this.#caller;
    recordSshCall(this.#parts.audit, {
      ...{ token, service, action, origin, thrown },
      notes: this.#notes,
      access: this.#access,
      rule: this.#grant?.rule,
      isPermitted: this.#isBegun,
      command: this.#details.command,
      remotePath: this.#details.remotePath,
      bytes: this.#bytes,
      ms: performance.now() - this.#startedAt,
    });
  }

  #find(): { readonly record: ServiceRecord; readonly access: SshAccess } {
    const stored = this.#parts.records().get(this.#caller.service);
    if (stored === undefined) throw new VaultProxyError("not_found", "no such service");
    const record = usableRecord(stored);
    const access = sshUseOf(record)?.access(record.auth);
    if (access === undefined) {
      // Whoever may not use a service is not told what it is.
      const { token, action, details } = this.#caller;
      this.#parts.authorize(token, { kind: "ssh", service: record.name, action, ...details }).release();
      throw new VaultProxyError(
        "invalid_request",
        `service ${record.name} is of type ${record.auth.type}, not ssh_key`,
      );
    }
    this.#access = access;
    return { record, access };
  }

  #callOf(record: ServiceRecord, access: SshAccess): SshCall {
    const { signal } = this.#ends;
    return {
      service: record.name,
      token: this.#caller.token,
      access,
      idleTimeoutMs: record.idle_timeout === undefined ? undefined : parseDuration(record.idle_timeout),
      signal,
      permit: (details) => this.#permit(details),
      note: (noted) => {
        this.#notes = { ...this.#notes, ...noted };
      },
      countBytes: (bytes) => {
        this.#bytes += bytes;
        const refusal = this.#grant?.takePassedBytes(bytes);
        if (refusal !== undefined) this.end(refusal);
      },
      withChannel: (use) => {
        if (this.#grant === undefined) throw new VaultProxyError("internal", "nothing has been permitted");
        this.#isBegun = true;
        return this.#parts.connections.withChannel(record, signal, use);
      },
    };
  }

  async #permit(details: SshAction): Promise<SshPermit> {
    const { token, service, action } = this.#caller;
    this.#details = details;
    const grant = this.#parts.authorize(token, { kind: "ssh", service, action, ...details });
    this.#grant = grant;
    // A call that cannot be recorded is not made.
    await Promise.all([grant.ready, this.#parts.audit.ready()]);
    grant.onWithdrawn((reason) => this.end(reason));
    this.#ends.signal.throwIfAborted();
    return grant;
  }
}
