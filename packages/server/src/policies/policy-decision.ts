import type { Action } from "./action.js";
import { parseByteCount } from "./byte-count.js";
import { compileRule, JudgedAction, type AdmittingRule, type CompiledRule } from "./compiled-rule.js";
import type { PolicyContent } from "./policy-schema.js";
import { RecentPaths } from "./recent-paths.js";

/** The limits of a policy as numbers; one that is absent does not limit. */
export interface LimitValues {
  readonly requestsPerMinute?: number;
  readonly maxConcurrent?: number;
  readonly maxUses?: number;
  readonly bytesPerDay?: number;
}

/** Unix milliseconds: from the first on, before the second. */
export interface ValidityWindow {
  readonly from: number;
  readonly until: number;
}

export interface CompiledPolicy {
  readonly limits: LimitValues;
  readonly valid: ValidityWindow;
  rulesFor(service: string): ServiceRules;
}

/** The rules of a policy that are for one service, in their order. */
interface ServiceRules {
  readonly all: readonly CompiledRule[];
  /** Of HTTP. */
  forMethod(method: string): MethodRules;
}

interface MethodRules {
  readonly rules: readonly CompiledRule[];
  /** Rules that allow a path by themselves, so that nothing else has to be looked at. */
  readonly recent: RecentPaths<AdmittingRule>;
}

export type Decision =
  | {
      readonly allowed: true;
      /** The rule to name in the audit. With `cooldowns`, the limiter says which of them was used instead. */
      readonly rule: AdmittingRule;
      /**
       * Empty if a rule without cooldown allows the action. Else every rule that does, in the order in which the
       * limiter has to try them: the action may go on only if the cooldown of one is over.
       */
      readonly cooldowns: readonly AdmittingRule[];
    }
  | {
      readonly allowed: false;
      /** A sentence for the caller, which repeats nothing of the action. */
      readonly reason: string;
    };

/** @param content as its schema lets it through */
export function compilePolicy(content: PolicyContent): CompiledPolicy {
  const compiled = content.rules.map((rule, index) => ({
    services: typeof rule.service === "string" ? [rule.service] : rule.service,
    rule: compileRule(rule, index),
  }));
  const named = new Set(compiled.flatMap(({ services }) => services));
  const rulesOf = (service: string): ServiceRules =>
    byMethod(
      compiled
        .filter(({ services }) => services.includes(service) || services.includes("*"))
        .map(({ rule }) => rule),
    );
  const byService = new Map([...named].map((service) => [service, rulesOf(service)]));
  const ofEveryService = rulesOf("*");
  return {
    limits: limitValues(content.limits ?? {}),
    valid: {
      from: content.valid?.from === undefined ? -Infinity : Date.parse(content.valid.from),
      until: content.valid?.until === undefined ? Infinity : Date.parse(content.valid.until),
    },
    rulesFor: (service) => byService.get(service) ?? ofEveryService,
  };
}

function byMethod(all: readonly CompiledRule[]): ServiceRules {
  const rulesOf = (method: string | undefined): MethodRules => ({
    rules: all.filter(
      ({ methods }) => methods === undefined || (method !== undefined && methods.has(method)),
    ),
    recent: new RecentPaths(),
  });
  const named = new Set(all.flatMap(({ methods }) => [...(methods ?? [])]));
  const byName = new Map([...named].map((method) => [method, rulesOf(method)]));
  const ofEveryMethod = rulesOf(undefined);
  return { all, forMethod: (method) => byName.get(method) ?? ofEveryMethod };
}

export function limitValues(limits: NonNullable<PolicyContent["limits"]>): LimitValues {
  return {
    ...(limits.requests_per_minute === undefined ? {} : { requestsPerMinute: limits.requests_per_minute }),
    ...(limits.max_concurrent === undefined ? {} : { maxConcurrent: limits.max_concurrent }),
    ...(limits.max_uses === undefined ? {} : { maxUses: limits.max_uses }),
    // What the schema would not let through allows nothing.
    ...(limits.bytes_per_day === undefined ? {} : { bytesPerDay: parseByteCount(limits.bytes_per_day) ?? 0 }),
  };
}

const NO_COOLDOWNS: readonly AdmittingRule[] = [];

/**
 * Whether a policy allows an action: only if some rule does (deny by default). The order of the rules makes no
 * difference, except to which of several without cooldown is named.
 *
 * @param now Unix milliseconds
 */
export function decide(policy: CompiledPolicy, action: Action, now: number): Decision {
  if (now < policy.valid.from) return deny("the token's policy is not valid yet");
  if (now >= policy.valid.until) return deny("the token's policy is not valid any more");
  const rules = policy.rulesFor(action.service);
  if (rules.all.length === 0) return deny("the token's policy has no rule for this service");
  if (action.kind !== "http") return decideAmong(rules.all, new JudgedAction(action));
  const ofMethod = rules.forMethod(action.method);
  if (action.namesAnotherResource === true) return decideAmong(ofMethod.rules, new JudgedAction(action));
  const known = ofMethod.recent.get(action.rawPath);
  if (known !== undefined) return { allowed: true, rule: known, cooldowns: NO_COOLDOWNS };
  const decision = decideAmong(ofMethod.rules, new JudgedAction(action));
  if (decision.allowed && decision.rule.cooldownMs === 0) ofMethod.recent.add(action.rawPath, decision.rule);
  return decision;
}

function decideAmong(rules: readonly CompiledRule[], judged: JudgedAction): Decision {
  const admitting: AdmittingRule[] = [];
  for (const rule of rules) {
    const admitted = rule.admit(judged);
    if (admitted === undefined) continue;
    if (admitted.cooldownMs === 0 && !isConditional(admitted))
      return { allowed: true, rule: admitted, cooldowns: NO_COOLDOWNS };
    admitting.push(admitted);
  }
  const [first] = admitting.sort(byPreference);
  if (first === undefined) return deny(whyNot(judged));
  return { allowed: true, rule: first, cooldowns: first.cooldownMs === 0 ? NO_COOLDOWNS : admitting };
}

/** Whether something else is to be done than was asked for, or only if the server says more. */
function isConditional({ command, remotePaths }: AdmittingRule): boolean {
  return command !== undefined || remotePaths !== undefined;
}

/** What costs least first; the key makes the order the same however the rules are listed. */
function byPreference(a: AdmittingRule, b: AdmittingRule): number {
  return (
    a.cooldownMs - b.cooldownMs ||
    Number(isConditional(a)) - Number(isConditional(b)) ||
    (a.key < b.key ? -1 : a.key > b.key ? 1 : a.index - b.index)
  );
}

function whyNot(judged: JudgedAction): string {
  const { action } = judged;
  if (action.kind !== "http") return "no rule of the token's policy allows this action at this service";
  if (action.namesAnotherResource === true) {
    return "no rule of the token's policy without paths allows this, and a header names another resource";
  }
  const path = judged.requestPath();
  if (!path.ok) return `no rule of the token's policy allows this, and the path ${path.reason}`;
  return "no rule of the token's policy allows this method and path at this service";
}

function deny(reason: string): Decision {
  return { allowed: false, reason };
}
