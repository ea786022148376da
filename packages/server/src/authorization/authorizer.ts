import { LiveList } from "../collections/live-list.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Action } from "../policies/action.js";
import { reserveTogether, type LimitName } from "../policies/limiter.js";
import { compilePolicy, decide, type CompiledPolicy } from "../policies/policy-decision.js";
import type { PolicyContent } from "../policies/policy-schema.js";
import type { TokenRecord } from "../tokens/token-record.js";
import { assertMayCall } from "../tokens/token-scope.js";
import { ActiveGrant, quotasOf, usedUp, type GrantHost, type LimitedToken } from "./active-grant.js";
import { UNRESTRICTED, type Grant } from "./grant.js";
import type { UseKeeper } from "./use-keeper.js";

/** A stored policy, as far as it decides. */
export type StoredPolicy = PolicyContent;

/** How the audit calls the rules of a token's own policy. */
const OWN_RULES = "rules";

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

const NO_POLICY_LEFT: CompiledPolicy = compilePolicy({ rules: [] });

export function createAuthorizer(parts: AuthorizerParts): Authorizer {
  /** Made once a policy: a changed one is another object. */
  const compiled = new WeakMap<object, CompiledPolicy>();
  const active = new LiveList<ActiveGrant>();
  const host: GrantHost = { uses: parts.uses, onLimited: parts.onLimited, clock: parts.clock, active };

  const compile = (content: PolicyContent): CompiledPolicy => {
    const known = compiled.get(content);
    if (known !== undefined) return known;
    const made = compilePolicy(content);
    compiled.set(content, made);
    return made;
  };
  /** Undefined for a token that may do everything. */
  const policyOf = (token: TokenRecord): CompiledPolicy | undefined => {
    if (token.rules !== undefined) return compile(token.rules as PolicyContent);
    if (token.policy === undefined) return undefined;
    const stored = parts.policies().get(token.policy);
    // A policy that is gone allows nothing.
    return stored === undefined ? NO_POLICY_LEFT : compile(stored);
  };
  const parentOf = ({ parent: digest }: TokenRecord): TokenRecord | undefined => {
    if (digest === undefined) return undefined;
    const parent = parts.tokens().get(digest);
    if (parent === undefined)
      throw new VaultProxyError("unauthorized", "the token that made this one is gone");
    return parent;
  };

  /** Resolves when the vault knows of what they used; undefined if it knows already. */
  const settled = (limited: readonly LimitedToken[], isCooldown: boolean): Promise<void> | undefined => {
    let all: Promise<void> | undefined;
    for (const { digest } of limited) {
      const one = parts.uses.settle(digest, isCooldown);
      all =
        all === undefined || one === undefined ? (all ?? one) : Promise.all([all, one]).then(() => undefined);
    }
    return all;
  };

  /** Of a token that has changed meanwhile, by what it is now. */
  const whyWithdrawn = ({ token, action }: ActiveGrant, now: number): VaultProxyError | undefined => {
    const current = parts.tokens().get(token.digest);
    if (current === undefined) return new VaultProxyError("unauthorized", "this token was revoked");
    try {
      for (let each: TokenRecord | undefined = current; each !== undefined; each = parentOf(each)) {
        const policy = policyOf(each);
        const decision = policy === undefined ? undefined : decide(policy, action, now);
        if (decision?.allowed === false) return new VaultProxyError("policy_denied", decision.reason);
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
      let rule: string | undefined;
      let command: string | undefined;
      let pathLists: readonly (readonly string[])[] = [];
      const limited: LimitedToken[] = [];
      // The token's own policy first, then those of the tokens it descends from.
      for (let each: TokenRecord | undefined = token; each !== undefined; each = parentOf(each)) {
        const policy = policyOf(each);
        if (policy === undefined) continue;
        const decision = decide(policy, action, now);
        if (!decision.allowed) throw new VaultProxyError("policy_denied", decision.reason);
        rule ??= `${each.policy ?? OWN_RULES}/${decision.rule.index + 1}`;
        command ??= decision.rule.command;
        if (decision.rule.remotePaths !== undefined) pathLists = [...pathLists, decision.rule.remotePaths];
        const { limits } = policy;
        limited.push({
          digest: each.digest,
          limiter: parts.uses.limiterOf(each.digest, limits),
          cooldowns: decision.cooldowns,
          countsBytes: limits.bytesPerDay !== undefined,
        });
      }
      const reservation = reserveTogether(limited, now);
      if (!reservation.granted) {
        parts.onLimited?.(reservation.limit);
        const { limit, retryAfterSeconds } = reservation;
        throw usedUp(`the token's limit ${limit} is used up`, retryAfterSeconds, quotasOf(limited, now));
      }
      const ready = settled(limited, reservation.cooldown !== undefined);
      return new ActiveGrant(host, { token, action, rule, command, pathLists, ready, reservation, limited });
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
