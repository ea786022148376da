import { LiveList, NOWHERE, type LiveItem } from "../collections/live-list.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Action } from "../policies/action.js";
import {
  reserveTogether,
  type Granted,
  type Limiter,
  type LimitName,
  type ReservationPart,
} from "../policies/limiter.js";
import { compilePolicy, decide, type CompiledPolicy } from "../policies/policy-decision.js";
import type { PolicyContent } from "../policies/policy-schema.js";
import { rateLimitFields, type Quota } from "../policies/rate-limit-fields.js";
import type { TokenRecord } from "../tokens/token-record.js";
import { assertMayCall } from "../tokens/token-scope.js";
import type { UseKeeper } from "./use-keeper.js";

/** A stored policy, as far as it decides. */
export type StoredPolicy = PolicyContent;

/** How the audit calls the rules of a token's own policy. */
const OWN_RULES = "rules";

/** That a token may do what it is about to do, for as long as it does it. */
export interface Grant {
  /** Which rule allows it, for the audit; undefined for a token without a policy. */
  readonly rule: string | undefined;
  /** Whether the token has a policy at all. */
  readonly isRestricted: boolean;
  /** What is to be run in place of the command that was asked for: the same words, quoted. */
  readonly command: string | undefined;
  /** Lists of remote paths: in each of them the path must be, also when the server has resolved its links. */
  readonly pathLists: readonly (readonly string[])[];
  /** Resolves when it may begin: what outlasts a restart has to be saved first. Undefined if at once. */
  readonly ready: Promise<void> | undefined;
  /** Hears once that it is withdrawn: the policy has changed. At most one listener. */
  onWithdrawn(end: (reason: VaultProxyError) => void): void;
  /** Counts bytes that are about to be passed on. @returns why they must not be */
  takeBytes(count: number): VaultProxyError | undefined;
  /** Counts bytes that have passed already. @returns why no more must */
  takePassedBytes(count: number): VaultProxyError | undefined;
  /** It is over. A second time does nothing. */
  release(): void;
}

export interface Authorizer {
  /**
   * Decides whether a token may do something now, and reserves it: atomically, so that of parallel calls exactly as many
   * pass as the limits allow.
   * @throws VaultProxyError `forbidden` for a token of scope metrics, `policy_denied`, `rate_limited`
   */
  authorize(token: TokenRecord, action: Action): Grant;
  /** Policies or tokens have changed, or time has passed: what is no longer allowed is ended. */
  refresh(): void;
}

export interface AuthorizerParts {
  readonly tokens: () => ReadonlyMap<string, TokenRecord>;
  readonly policies: () => ReadonlyMap<string, StoredPolicy>;
  readonly uses: UseKeeper;
  /** Hears of each call that a limit refused or ended. */
  readonly onLimited?: ((limit: LimitName) => void) | undefined;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** Of a token without a policy. */
export const UNRESTRICTED: Grant = {
  rule: undefined,
  isRestricted: false,
  command: undefined,
  pathLists: [],
  ready: undefined,
  onWithdrawn: () => undefined,
  takeBytes: () => undefined,
  takePassedBytes: () => undefined,
  release: () => undefined,
};

const NO_POLICY_LEFT: CompiledPolicy = compilePolicy({ rules: [] });

/** A policy of a token or of one that it descends from. */
interface ChainLink {
  readonly token: TokenRecord;
  readonly policyName: string;
  readonly policy: CompiledPolicy;
}

export function createAuthorizer(parts: AuthorizerParts): Authorizer {
  /** Made once a policy: a changed one is another object. */
  const compiled = new WeakMap<object, CompiledPolicy>();
  const active = new LiveList<ActiveGrant>();

  const compile = (content: PolicyContent): CompiledPolicy => {
    const known = compiled.get(content) ?? compilePolicy(content);
    compiled.set(content, known);
    return known;
  };
  /** Undefined for a token that may do everything. */
  const policyOf = (token: TokenRecord): CompiledPolicy | undefined => {
    if (token.rules !== undefined) return compile(token.rules as PolicyContent);
    if (token.policy === undefined) return undefined;
    const stored = parts.policies().get(token.policy);
    // A policy that is gone allows nothing.
    return stored === undefined ? NO_POLICY_LEFT : compile(stored);
  };
  /** The token's own policy first, then those of the tokens it descends from. */
  const chainOf = (token: TokenRecord): ChainLink[] => {
    const chain: ChainLink[] = [];
    let current = token;
    for (;;) {
      const policy = policyOf(current);
      if (policy !== undefined)
        chain.push({ token: current, policyName: current.policy ?? OWN_RULES, policy });
      if (current.parent === undefined) return chain;
      const parent = parts.tokens().get(current.parent);
      if (parent === undefined) {
        throw new VaultProxyError("unauthorized", "the token that made this one is gone");
      }
      current = parent;
    }
  };

  /** Of a token that has changed meanwhile, by what it is now. */
  const whyWithdrawn = ({ token, action }: ActiveGrant, now: number): VaultProxyError | undefined => {
    const current = parts.tokens().get(token.digest);
    if (current === undefined) return new VaultProxyError("unauthorized", "this token was revoked");
    try {
      for (const { policy } of chainOf(current)) {
        const decision = decide(policy, action, now);
        if (!decision.allowed) return new VaultProxyError("policy_denied", decision.reason);
      }
      return undefined;
    } catch (error) {
      return error instanceof VaultProxyError
        ? error
        : new VaultProxyError("internal", "internal error", { cause: error });
    }
  };

  return {
    authorize(token, action) {
      assertMayCall(token);
      if (token.policy === undefined && token.rules === undefined && token.parent === undefined)
        return UNRESTRICTED;
      const now = parts.clock();
      const chain = chainOf(token);
      let rule: string | undefined;
      let command: string | undefined;
      const pathLists: (readonly string[])[] = [];
      const reservations: (ReservationPart & { digest: string })[] = [];
      for (const { token: each, policy, policyName } of chain) {
        const decision = decide(policy, action, now);
        if (!decision.allowed) throw new VaultProxyError("policy_denied", decision.reason);
        rule ??= `${policyName}/${decision.rule.index + 1}`;
        command ??= decision.rule.command;
        if (decision.rule.remotePaths !== undefined) pathLists.push(decision.rule.remotePaths);
        const limiter = parts.uses.limiterOf(each.digest, policy.limits);
        reservations.push({ limiter, cooldowns: decision.cooldowns, digest: each.digest });
      }
      const reservation = reserveTogether(reservations, now);
      if (!reservation.granted) {
        parts.onLimited?.(reservation.limit);
        const { limit, retryAfterSeconds } = reservation;
        throw usedUp(`the token's limit ${limit} is used up`, retryAfterSeconds, quotasOf(reservations, now));
      }
      const countsBytes = chain.some(({ policy }) => policy.limits.bytesPerDay !== undefined);
      const digests = reservations.map(({ digest }) => digest);
      const waits = digests
        .map((digest) => parts.uses.settle(digest, reservation.cooldown !== undefined))
        .filter((wait) => wait !== undefined);
      const grant = new ActiveGrant(token, action, reservation, {
        rule,
        command,
        pathLists,
        ready: waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined),
        ...{ clock: parts.clock, countsBytes },
        quotas: (at) => quotasOf(reservations, at),
        onNoBytesLeft: () => parts.onLimited?.("bytes_per_day"),
        onBytes: () => digests.forEach((digest) => parts.uses.settleBytes(digest)),
        onRelease: () => active.delete(grant),
      });
      active.add(grant);
      return grant;
    },
    refresh() {
      if (active.size === 0) return;
      const now = parts.clock();
      for (const grant of active.snapshot()) {
        const reason = whyWithdrawn(grant, now);
        if (reason !== undefined) grant.withdraw(reason);
      }
    },
  };
}

function quotasOf(reservations: readonly { readonly limiter: Limiter }[], now: number): Quota[] {
  return reservations.flatMap(({ limiter }) => limiter.quotas(now));
}

/** @param retryAfterSeconds undefined if waiting does not help */
function usedUp(
  message: string,
  retryAfterSeconds: number | undefined,
  quotas: readonly Quota[],
): VaultProxyError {
  return new VaultProxyError("rate_limited", message, {
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    headers: { ...rateLimitFields(quotas) },
  });
}

interface ActiveGrantParts extends Pick<Grant, "rule" | "command" | "pathLists" | "ready"> {
  readonly clock: () => number;
  readonly countsBytes: boolean;
  /** Of the limits of all policies in the chain. */
  readonly quotas: (now: number) => readonly Quota[];
  readonly onBytes: () => void;
  readonly onNoBytesLeft: () => void;
  readonly onRelease: () => void;
}

/** A grant of a token with a policy, until it is released. */
class ActiveGrant implements Grant, LiveItem {
  readonly token: TokenRecord;
  readonly action: Action;
  readonly rule: string | undefined;
  readonly command: string | undefined;
  readonly pathLists: readonly (readonly string[])[];
  readonly ready: Promise<void> | undefined;
  readonly isRestricted = true;
  place = NOWHERE;
  readonly #reservation: Granted;
  readonly #parts: ActiveGrantParts;
  #end: ((reason: VaultProxyError) => void) | undefined;
  /** Why it was withdrawn, before there was anyone to hear. */
  #withdrawn: VaultProxyError | undefined;

  constructor(token: TokenRecord, action: Action, reservation: Granted, parts: ActiveGrantParts) {
    this.token = token;
    this.action = action;
    this.rule = parts.rule;
    this.command = parts.command;
    this.pathLists = parts.pathLists;
    this.ready = parts.ready;
    this.#reservation = reservation;
    this.#parts = parts;
  }

  onWithdrawn(end: (reason: VaultProxyError) => void): void {
    this.#end = end;
    if (this.#withdrawn !== undefined) end(this.#withdrawn);
  }

  withdraw(reason: VaultProxyError): void {
    if (this.#withdrawn !== undefined) return;
    this.#withdrawn = reason;
    this.#end?.(reason);
  }

  takeBytes(count: number): VaultProxyError | undefined {
    if (!this.#parts.countsBytes) return undefined;
    const fits = this.#reservation.takeBytes(count, this.#parts.clock());
    this.#parts.onBytes();
    if (fits) return undefined;
    this.#parts.onNoBytesLeft();
    return this.#noBytesLeft();
  }

  takePassedBytes(count: number): VaultProxyError | undefined {
    if (!this.#parts.countsBytes) return undefined;
    const quotas = this.#byteQuotas();
    const left = Math.min(...quotas.map(({ remaining }) => remaining));
    const refusal = this.takeBytes(Math.min(count, left));
    return refusal ?? (count >= left ? this.#noBytesLeft() : undefined);
  }

  /** The call is under way, so whoever tries again lets it be made twice. */
  #noBytesLeft(): VaultProxyError {
    const quotas = this.#byteQuotas();
    const waits = quotas.filter(({ remaining }) => remaining === 0).map((quota) => quota.resetSeconds ?? 0);
    const message = "the token's limit bytes_per_day was used up while this was under way";
    return usedUp(message, waits.length === 0 ? undefined : Math.max(1, ...waits), quotas);
  }

  #byteQuotas(): readonly Quota[] {
    return this.#parts.quotas(this.#parts.clock()).filter(({ name }) => name === "bytes");
  }

  release(): void {
    this.#reservation.release();
    this.#parts.onRelease();
  }
}
