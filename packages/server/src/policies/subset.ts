import { parseDuration } from "../config/duration.js";
import type { StepBudget } from "./path-inclusion.js";
import { limitValues, type LimitValues } from "./policy-decision.js";
import { POLICY_LIMITS } from "./policy-limits.js";
import type { PolicyContent, PolicyRule, PolicyValidity } from "./policy-schema.js";
import { createRuleCoverage } from "./rule-coverage.js";
import { ruleKey } from "./rule-key.js";

/** Steps that a rule's key takes, and what more of it takes one: names that are sorted, characters that are hashed. */
const KEY_STEPS = 8;
const NAMES_A_STEP = 8;
const KEY_CHARACTERS_A_STEP = 128;

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
  const free = parent.filter(({ cooldown }) => cooldown === undefined);
  // Each running cooldown may stand behind one rule only: behind two, it would be used twice at a time.
  const unused = withOwnCooldown(parent, budget);
  const takesCooldown = (rule: PolicyRule): boolean => {
    if (unused.size === 0 || rule.cooldown === undefined) return false;
    const longest = cooldownOf(rule);
    const key = chargedKey(rule, budget);
    if (budget.steps <= 0) return false;
    const same = unused.get(key);
    const waiting = [...unused.values()].filter(({ milliseconds }) => milliseconds <= longest);
    const taken =
      same !== undefined && waiting.includes(same)
        ? [same]
        : fewestCovering(waiting, (some) => areCovering([...free, ...some.map((each) => each.rule)], rule));
    for (const each of taken) unused.delete(each.key);
    return taken.length > 0;
  };
  for (const [index, rule] of child.entries()) {
    if (!areCovering(free, rule) && !takesCooldown(rule)) {
      return `rules.${String(index)}: is not covered by the rules of the policy above`;
    }
  }
  return undefined;
}

interface CooldownRule {
  readonly key: string;
  readonly rule: PolicyRule;
  readonly milliseconds: number;
}

/** As few of some as are seen to be needed; none where all of them are not enough. */
function fewestCovering(
  waiting: readonly CooldownRule[],
  areEnough: (some: readonly CooldownRule[]) => boolean,
): readonly CooldownRule[] {
  const alone = waiting.find((each) => areEnough([each]));
  if (alone !== undefined) return [alone];
  if (!areEnough(waiting)) return [];
  let needed = waiting;
  for (const each of waiting) {
    const others = needed.filter((other) => other !== each);
    if (areEnough(others)) needed = others;
  }
  return needed;
}

/** The rules with a cooldown, by their keys; of those that allow the same, and so share one, the shortest. */
function withOwnCooldown(rules: readonly PolicyRule[], budget: StepBudget): Map<string, CooldownRule> {
  const longestFirst = rules
    .filter(({ cooldown }) => cooldown !== undefined)
    .map((rule) => ({ key: chargedKey(rule, budget), rule, milliseconds: cooldownOf(rule) }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
  return new Map(longestFirst.map((each) => [each.key, each]));
}

/** {@link ruleKey}, or any once the budget is used up. */
function chargedKey(rule: PolicyRule, budget: StepBudget): string {
  const { service, methods, paths, commands, remote_paths: remotePaths } = rule;
  const texts = [service, methods, paths, commands, remotePaths].flatMap((list) => list ?? []);
  budget.steps -= KEY_STEPS + texts.length / NAMES_A_STEP;
  budget.steps -= texts.reduce((sum, { length }) => sum + length, 0) / KEY_CHARACTERS_A_STEP;
  return budget.steps <= 0 ? "" : ruleKey(rule);
}

/** Milliseconds. */
function cooldownOf({ cooldown }: PolicyRule): number {
  return cooldown === undefined ? 0 : (parseDuration(cooldown) ?? Infinity);
}
