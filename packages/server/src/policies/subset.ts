import { parseDuration } from "../config/duration.js";
import type { StepBudget } from "./path-inclusion.js";
import { limitValues, type LimitValues } from "./policy-decision.js";
import { POLICY_LIMITS } from "./policy-limits.js";
import type { PolicyContent, PolicyRule, PolicyValidity } from "./policy-schema.js";
import { createRuleCoverage } from "./rule-coverage.js";
import { ruleKey } from "./rule-key.js";

/** Whether everything that one policy allows while the other holds as well, that other does. */
export function isSubset(child: PolicyContent, parent: PolicyContent): boolean {
  return whyNotSubset(child, parent) === undefined;
}

/** For all comparisons of one question. When its steps are used up, whatever is asked is no subset. */
export function newComparisonBudget(): StepBudget {
  return { steps: POLICY_LIMITS.inclusionSteps };
}

/**
 * Why a policy is not a subset of another, or undefined if it is. Each rule of the narrower one must be covered by
 * rules of the wider, several together if need be; each limit that it gives, and its validity, must lie within the wider
 * one's. What it does not give is the wider one's, which is held to as well. Never undefined wrongly. A policy that is a subset may be refused where only arithmetic over cooldowns would show it, or
 * where its patterns cost too much to compare.
 *
 * @returns a sentence for the caller, with places and names of fields only
 */
export function whyNotSubset(
  child: PolicyContent,
  parent: PolicyContent,
  budget: StepBudget = newComparisonBudget(),
): string | undefined {
  return (
    whyLimitsExceed(limitValues(child.limits ?? {}), limitValues(parent.limits ?? {})) ??
    whyValidityExceeds(child.valid ?? {}, parent.valid ?? {}) ??
    whyRulesExceed(child.rules, parent.rules, budget)
  );
}

const LIMIT_FIELDS: readonly (readonly [keyof LimitValues, string])[] = [
  ["requestsPerMinute", "requests_per_minute"],
  ["maxConcurrent", "max_concurrent"],
  ["maxUses", "max_uses"],
  ["bytesPerDay", "bytes_per_day"],
];

function whyLimitsExceed(child: LimitValues, parent: LimitValues): string | undefined {
  const exceeding = LIMIT_FIELDS.find(([limit]) => (child[limit] ?? 0) > (parent[limit] ?? Infinity));
  return exceeding === undefined
    ? undefined
    : `limits.${exceeding[1]}: must be at most that of the policy above`;
}

function whyValidityExceeds(child: PolicyValidity, parent: PolicyValidity): string | undefined {
  const time = (text: string | undefined, missing: number): number =>
    text === undefined ? missing : Date.parse(text);
  if (time(child.from, Infinity) < time(parent.from, -Infinity)) {
    return "valid.from: must not be earlier than that of the policy above";
  }
  if (time(child.until, -Infinity) > time(parent.until, Infinity)) {
    return "valid.until: must not be later than that of the policy above";
  }
  return undefined;
}

function whyRulesExceed(
  child: readonly PolicyRule[],
  parent: readonly PolicyRule[],
  budget: StepBudget,
): string | undefined {
  const areCovering = createRuleCoverage(budget);
  const free = parent.filter((rule) => cooldownOf(rule) === 0);
  // Each running cooldown may stand behind one rule only: behind two, it would be used twice at a time.
  const unused = new Set(withOwnCooldown(parent));
  for (const [index, rule] of child.entries()) {
    if (areCovering(free, rule)) continue;
    let waiting = [...unused].filter((each) => cooldownOf(each) <= cooldownOf(rule));
    if (!areCovering([...free, ...waiting], rule)) {
      return `rules.${String(index)}: is not covered by the rules of the policy above`;
    }
    for (const each of waiting) {
      const others = waiting.filter((other) => other !== each);
      if (areCovering([...free, ...others], rule)) waiting = others;
    }
    for (const each of waiting) unused.delete(each);
  }
  return undefined;
}

/** The rules with a cooldown; of those that allow the same, and so share one, the shortest. */
function withOwnCooldown(rules: readonly PolicyRule[]): Iterable<PolicyRule> {
  const longestFirst = rules
    .filter((rule) => cooldownOf(rule) > 0)
    .sort((a, b) => cooldownOf(b) - cooldownOf(a));
  return new Map(longestFirst.map((rule) => [ruleKey(rule), rule])).values();
}

/** Milliseconds. */
function cooldownOf(rule: PolicyRule): number {
  return rule.cooldown === undefined ? 0 : (parseDuration(rule.cooldown) ?? Infinity);
}
