import { parseAllowedCommand } from "../ssh-rules/command-rules.js";
import { isUnderAllowed, parseAllowedPath } from "../ssh-rules/remote-path.js";
import { actionsOf } from "./compiled-rule.js";
import { isPatternIncluded, type StepBudget } from "./path-inclusion.js";
import { parsePathPattern, type PathPattern } from "./path-pattern.js";
import type { PolicyRule, RuleAction } from "./policy-schema.js";

/** Stands for every method that no rule names. */
const OTHER_METHOD = "";

/**
 * Whether everything that a rule allows is allowed by one of others, cooldowns aside.
 *
 * @param budget for the comparison of patterns; when it is used up the answer is no
 */
export function areRulesCovering(
  wider: readonly PolicyRule[],
  rule: PolicyRule,
  budget: StepBudget,
): boolean {
  const services = typeof rule.service === "string" ? [rule.service] : rule.service;
  return services.every((service) => {
    const others = wider.filter((each) => isForService(each, service));
    const actions = [...actionsOf(rule)];
    return (
      (!isForHttp(rule) || isHttpCovered(others.filter(isForHttp), rule, budget)) &&
      actions.every((action) =>
        isActionCovered(
          others.filter((each) => actionsOf(each).has(action)),
          rule,
          action,
        ),
      )
    );
  });
}

/** @param service a name, or `*` for all those that no rule names */
function isForService(rule: PolicyRule, service: string): boolean {
  return (
    rule.service === "*" ||
    (typeof rule.service === "string" ? rule.service === service : rule.service.includes(service))
  );
}

function isForHttp(rule: PolicyRule): boolean {
  return rule.actions === undefined && rule.commands === undefined && rule.remote_paths === undefined;
}

function isHttpCovered(wider: readonly PolicyRule[], rule: PolicyRule, budget: StepBudget): boolean {
  const methods = rule.methods ?? [OTHER_METHOD, ...new Set(wider.flatMap((each) => each.methods ?? []))];
  return methods.every((method) => {
    const others = wider.filter((each) => each.methods?.includes(method) ?? true);
    if (others.some((each) => each.paths === undefined)) return true;
    if (rule.paths === undefined) return false;
    const patterns = patternsOf(others);
    return patternsOf([rule]).every((pattern) => isPatternIncluded(pattern, patterns, budget));
  });
}

function patternsOf(rules: readonly PolicyRule[]): readonly PathPattern[] {
  const texts = new Set(rules.flatMap(({ paths }) => paths ?? []));
  return [...texts].flatMap((text) => {
    const parsed = parsePathPattern(text);
    return parsed.ok ? [parsed.pattern] : [];
  });
}

function isActionCovered(wider: readonly PolicyRule[], rule: PolicyRule, action: RuleAction): boolean {
  switch (action) {
    case "session":
      return wider.length > 0;
    case "exec":
      return (
        wider.some(({ commands }) => commands === undefined) ||
        (rule.commands?.every((command) => isCommandCovered(wider, command)) ?? false)
      );
    case "upload":
    case "download":
      return (
        wider.some(({ remote_paths: allowed }) => allowed === undefined) ||
        (rule.remote_paths?.every((path) => isRemotePathCovered(wider, path)) ?? false)
      );
  }
}

/** An entry allows all that begins with its words; so it is covered by one that begins it. */
function isCommandCovered(wider: readonly PolicyRule[], command: string): boolean {
  const parsed = parseAllowedCommand(command);
  if (!parsed.ok) return true;
  return wider.some(({ commands }) =>
    commands?.some((entry) => {
      const start = parseAllowedCommand(entry);
      return start.ok && start.words.every((word, index) => parsed.words[index] === word);
    }),
  );
}

function isRemotePathCovered(wider: readonly PolicyRule[], path: string): boolean {
  const parsed = parseAllowedPath(path);
  if (!parsed.ok) return true;
  return wider.some(
    ({ remote_paths: allowed }) => allowed !== undefined && isUnderAllowed(parsed.path, allowed),
  );
}
