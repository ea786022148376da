import { createHash, timingSafeEqual } from "node:crypto";
import type { VaultProxyError } from "../errors/vault-proxy-error.js";
import { FlowError, type FlowFailure } from "./flow-failure.js";
import { FLOW_LIMITS } from "./flow-limits.js";

/** How a login stands. */
export type FlowStatus =
  | { readonly status: "pending"; readonly serviceName: string }
  /** Whether there was a service of that name before. */
  | { readonly status: "done"; readonly serviceName: string; readonly replaced: boolean }
  | ({ readonly status: "failed"; readonly serviceName: string } & FlowFailure);

/** A login under way. */
export interface OpenFlow<T> {
  /** Names the flow to those who ask how it stands; it opens nothing. */
  readonly id: string;
  readonly serviceName: string;
  /** Milliseconds since the epoch. A browser flow whose state was shown in time does not expire any more. */
  readonly expiresAt: number;
  /** Aborted, with the reason, when the flow is dropped: by a lock, by an admin, by time, by a newer one. */
  readonly signal: AbortSignal;
  readonly content: T;
  finish(outcome: { readonly replaced: boolean }): void;
  fail(failure: FlowFailure): void;
}

interface PendingFlow<T> extends OpenFlow<T> {
  expiresAt: number;
  readonly abort: AbortController;
  readonly timer: NodeJS.Timeout;
  /** SHA-256 of the `state`, until the state is used. */
  stateDigest: Buffer | undefined;
  /** The person has done their part: to drop it now would lose what the provider is about to give. */
  isExchanging: boolean;
}

export interface FlowRegistryParts {
  readonly randomBytes: (size: number) => Buffer;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/**
 * The logins under way, and for a while how they ended. All of it is in memory only: a lock forgets it.
 * `T` is what a login needs until its end, secrets included; it is let go of as soon as the flow ends.
 */
export class FlowRegistry<T> {
  readonly #parts: FlowRegistryParts;
  /** The oldest first. */
  readonly #pending = new Map<string, PendingFlow<T>>();
  readonly #ended = new Map<string, { readonly status: FlowStatus; readonly at: number }>();
  #lifetime = new AbortController();

  constructor(parts: FlowRegistryParts) {
    this.#parts = parts;
  }

  /** Aborted at the next {@link clear}: for what is begun now and will be opened later. */
  get lifetime(): AbortSignal {
    return this.#lifetime.signal;
  }

  /** @param options.state lets {@link takeByState} find the flow, once */
  open(serviceName: string, content: T, options: { lifetimeMs: number; state?: string }): OpenFlow<T> {
    const { randomBytes, clock } = this.#parts;
    const waiting = this.#flowsWhere(({ isExchanging }) => !isExchanging);
    for (const { id } of waiting.slice(0, Math.max(waiting.length - FLOW_LIMITS.pending + 1, 0))) {
      this.#drop(id, { code: "superseded", error: "too many newer logins were started" });
    }
    // On a command line a dash at the beginning would make an option of it.
    const id = `flow_${randomBytes(FLOW_LIMITS.identifierBytes).toString("base64url")}`;
    const abort = new AbortController();
    const timer = setTimeout(() => this.#drop(id, EXPIRED), options.lifetimeMs);
    timer.unref();
    const flow: PendingFlow<T> = {
      ...{ id, serviceName, content, abort, timer },
      expiresAt: clock() + options.lifetimeMs,
      signal: abort.signal,
      stateDigest: options.state === undefined ? undefined : digest(options.state),
      isExchanging: false,
      finish: ({ replaced }) => this.#end(id, { status: "done", serviceName, replaced }),
      fail: (failure) => this.#end(id, { status: "failed", serviceName, ...failure }),
    };
    this.#pending.set(id, flow);
    return flow;
  }

  /** The flow of this state, the first time that the state is shown and only in time. */
  takeByState(state: string): OpenFlow<T> | undefined {
    this.#dropExpired();
    const shown = digest(state);
    let found: PendingFlow<T> | undefined;
    for (const flow of this.#pending.values()) {
      if (flow.stateDigest !== undefined && timingSafeEqual(flow.stateDigest, shown)) found = flow;
    }
    if (found === undefined) return undefined;
    found.stateDigest = undefined;
    found.isExchanging = this.#flowsWhere((flow) => flow.isExchanging).length < FLOW_LIMITS.exchanges;
    // What is left to do has deadlines of its own.
    clearTimeout(found.timer);
    found.expiresAt = Number.POSITIVE_INFINITY;
    return found;
  }

  statusOf(id: string): FlowStatus | undefined {
    this.#dropExpired();
    const pending = this.#pending.get(id);
    if (pending !== undefined) return { status: "pending", serviceName: pending.serviceName };
    return this.#ended.get(id)?.status;
  }

  /** @returns whether there was such a flow under way */
  cancel(id: string): boolean {
    return this.#drop(id, { code: "cancelled", error: "the login was cancelled" });
  }

  /** Stops every flow and forgets all that ended. */
  clear(reason: VaultProxyError): void {
    this.#lifetime.abort(reason);
    this.#lifetime = new AbortController();
    for (const { timer, abort } of this.#pending.values()) {
      clearTimeout(timer);
      abort.abort(reason);
    }
    this.#pending.clear();
    this.#ended.clear();
  }

  /** The oldest first. */
  #flowsWhere(matches: (flow: PendingFlow<T>) => boolean): PendingFlow<T>[] {
    return [...this.#pending.values()].filter(matches);
  }

  #dropExpired(): void {
    const now = this.#parts.clock();
    for (const [id, { expiresAt }] of this.#pending) if (expiresAt <= now) this.#drop(id, EXPIRED);
    for (const [id, { at }] of this.#ended) if (at + FLOW_LIMITS.outcomeMs <= now) this.#ended.delete(id);
  }

  #drop(id: string, failure: FlowFailure): boolean {
    const flow = this.#pending.get(id);
    if (flow === undefined) return false;
    flow.fail(failure);
    flow.abort.abort(new FlowError(failure.code, failure.error));
    return true;
  }

  /** The first end counts: what a flow reports after it was dropped is not heard. */
  #end(id: string, status: FlowStatus): void {
    const flow = this.#pending.get(id);
    if (flow === undefined) return;
    clearTimeout(flow.timer);
    this.#pending.delete(id);
    this.#ended.set(id, { status, at: this.#parts.clock() });
    for (const [oldest] of this.#ended) {
      if (this.#ended.size <= FLOW_LIMITS.outcomes) break;
      this.#ended.delete(oldest);
    }
  }
}

const EXPIRED: FlowFailure = { code: "expired", error: "the login took too long" };

function digest(state: string): Buffer {
  return createHash("sha256").update(state).digest();
}
