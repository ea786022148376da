import { parseAllowedCommand } from "../ssh-rules/command-rules.js";
import { isUnderAllowed, parseAllowedPath } from "../ssh-rules/remote-path.js";
import { actionsOf } from "./compiled-rule.js";
import { createInclusion, type Inclusion, type StepBudget } from "./path-inclusion.js";
import { parsePathPattern, type PathPattern } from "./path-pattern.js";
import type { PolicyRule, RuleAction } from "./policy-schema.js";

/** Stands for every method that no rule names. */
const OTHER_METHOD = "";
/** Names that are compared, and characters that are read, in the time of one step. */
const NAMES_A_STEP = 8;
const CHARACTERS_A_STEP = 16;

/** Whether everything that a rule allows is allowed by one of others, cooldowns aside. */
export type RuleCoverage = (wider: readonly PolicyRule[], rule: PolicyRule) => boolean;

/**
 * For the rules of one policy against those of another.
 *
 * @param budget for all that is asked; when it is used up the answer is no
 */
export function createRuleCoverage(budget: StepBudget): RuleCoverage {
  const inclusionIn = createInclusions(budget);
  /** Whether there is time left for so much more. */
  const spend = (steps: number): boolean => {
    budget.steps -= steps;
    return budget.steps > 0;
  };

  const isForService = (rule: PolicyRule, service: string): boolean => {
    if (typeof rule.service === "string") return rule.service === "*" || rule.service === service;
    return spend(rule.service.length / NAMES_A_STEP) && rule.service.includes(service);
  };

  const isHttpCovered = (wider: readonly PolicyRule[], rule: PolicyRule): boolean => {
    const methods = rule.methods ?? [OTHER_METHOD, ...new Set(wider.flatMap((each) => each.methods ?? []))];
    return methods.every((method) => {
      if (!spend(wider.length / NAMES_A_STEP)) return false;
      const others = wider.filter(
        (each) =>
          each.methods === undefined ||
          (spend(each.methods.length / NAMES_A_STEP) && each.methods.includes(method)),
      );
      if (others.some((each) => each.paths === undefined)) return budget.steps > 0;
      if (rule.paths === undefined) return false;
      const { isIncluded, patternsOf } = inclusionIn(others);
      return patternsOf(rule).every(isIncluded);
    });
  };

  /** An entry allows all that begins with its words; so it is covered by one that begins it. */
  const isCommandCovered = (wider: readonly PolicyRule[], command: string): boolean => {
    const parsed = parseAllowedCommand(command);
    if (!parsed.ok) return true;
    return wider.some(({ commands }) =>
      commands?.some((entry) => {
        if (!spend(1 + entry.length / CHARACTERS_A_STEP)) return false;
        const start = parseAllowedCommand(entry);
        return start.ok && start.words.every((word, index) => parsed.words[index] === word);
      }),
    );
  };

  const isRemotePathCovered = (wider: readonly PolicyRule[], path: string): boolean => {
    const parsed = parseAllowedPath(path);
    if (!parsed.ok) return true;
    return wider.some(({ remote_paths: allowed }) =>
      allowed?.some(
        (entry) =>
          spend(2 + (entry.length + path.length) / CHARACTERS_A_STEP) && isUnderAllowed(parsed.path, [entry]),
      ),
    );
  };

  const isActionCovered = (wider: readonly PolicyRule[], rule: PolicyRule, action: RuleAction): boolean => {
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
  };

  return (wider, rule) => {
    const services = typeof rule.service === "string" ? [rule.service] : rule.service;
    const actions = [...actionsOf(rule)];
    return services.every((service) => {
      if (!spend(((2 + actions.length) * wider.length) / NAMES_A_STEP)) return false;
      const others = wider.filter((each) => isForService(each, service));
      return (
        (!isForHttp(rule) || isHttpCovered(others.filter(isForHttp), rule)) &&
        actions.every((action) =>
          isActionCovered(
            others.filter((each) => actionsOf(each).has(action)),
            rule,
            action,
          ),
        ) &&
        budget.steps > 0
      );
    });
  };
}

function isForHttp(rule: PolicyRule): boolean {
  return rule.actions === undefined && rule.commands === undefined && rule.remote_paths === undefined;
}

interface RuleInclusion {
  readonly isIncluded: Inclusion;
  readonly patternsOf: (rule: PolicyRule) => readonly PathPattern[];
}

/** Made once for the same rules, and each pattern read once: a method or service more costs little. */
function createInclusions(budget: StepBudget): (wider: readonly PolicyRule[]) => RuleInclusion {
  const numbers = new Map<PolicyRule, number>();
  const numberOf = (rule: PolicyRule): number => {
    const number = numbers.get(rule) ?? numbers.size;
    numbers.set(rule, number);
    return number;
  };
  const read = new Map<PolicyRule, readonly PathPattern[]>();
  const patternsOf = (rule: PolicyRule): readonly PathPattern[] => {
    const known = read.get(rule) ?? readPatterns(rule, budget);
    read.set(rule, known);
    return known;
  };
  const inclusions = new Map<string, RuleInclusion>();
  return (wider) => {
    const key = wider.map(numberOf).join(",");
    const known = inclusions.get(key) ?? {
      isIncluded: createInclusion(wider.flatMap(patternsOf), budget),
      patternsOf,
    };
    inclusions.set(key, known);
    return known;
  };
}

function readPatterns({ paths = [] }: PolicyRule, budget: StepBudget): readonly PathPattern[] {
  return [...new Set(paths)].flatMap((text) => {
    budget.steps -= text.length / CHARACTERS_A_STEP;
    const parsed = parsePathPattern(text);
    return parsed.ok ? [parsed.pattern] : [];
  });
}
