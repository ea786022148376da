import { describe, expect, test } from "vitest";
import { POLICY_LIMITS } from "./policy-limits.js";
import { policyContentSchema, type PolicyContent, type PolicyRule } from "./policy-schema.js";
import { newComparisonBudget, whyNotSubset } from "./subset.js";

/** Fields and list members that are looked at in the time of one step. */
const READS_A_STEP = 32;

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const policy = (count: number, rule: (index: number) => PolicyRule): PolicyContent => ({
  rules: times(count, rule),
});

/** The same value; `count` hears of whatever is read of it. */
function watched<T>(value: T, count: () => void): T {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get(target, name) {
      count();
      return watched(Reflect.get(target, name), count);
    },
  });
}

function costOf(child: PolicyContent, parent: PolicyContent): { reason: string | undefined; reads: number } {
  let reads = 0;
  const count = (): void => void (reads += 1);
  const reason = whyNotSubset(watched(child, count), watched(parent, count), newComparisonBudget());
  return { reason, reads };
}

const HUNDRED = times(100, (number) => `s${String(number)}`);
const METHODS = times(32, (number) => `M${String(number)}`);
const session = (service: PolicyRule["service"]): PolicyRule => ({ service, actions: ["session"] });

describe("of two policies as large as may be no more is looked at than the budget is for", () => {
  test.each<[string, PolicyContent, PolicyContent]>([
    [
      "services by the hundred",
      policy(200, () => session(HUNDRED)),
      policy(200, () => session(HUNDRED.toReversed())),
    ],
    ["rules for every service", policy(200, () => session(HUNDRED)), policy(200, () => session("*"))],
    [
      "methods",
      policy(200, () => ({ service: HUNDRED, methods: METHODS, paths: ["/a"] })),
      policy(200, (index) => ({
        service: "*",
        methods: METHODS.toReversed(),
        paths: [`/${String(index)}`, "/a"],
      })),
    ],
    [
      "commands",
      policy(200, () => ({ service: "s", commands: times(100, (index) => `b${String(index)}`) })),
      policy(200, (rule) => ({ service: "s", commands: times(100, (index) => `c${String(rule * index)}`) })),
    ],
    [
      "remote paths",
      policy(200, () => ({ service: "s", remote_paths: times(100, (index) => `/b/${String(index)}`) })),
      policy(200, () => ({ service: "s", remote_paths: times(100, (index) => `/c/${String(index)}`) })),
    ],
    [
      "path patterns",
      policy(20, () => ({ service: "s", paths: times(100, (index) => `/b/${String(index)}/*`) })),
      policy(20, (rule) => ({ service: "s", paths: times(100, (index) => `/${String(rule * index)}/*`) })),
    ],
    [
      "cooldowns of rules that cover none alone",
      policy(100, (index) => ({
        ...{ service: "s", cooldown: "1m" },
        paths: [`/a/${String(index)}/**`, `/b/${String(index)}/**`],
      })),
      policy(200, (index) => ({
        ...{ service: "s", cooldown: "1m" },
        paths: [`/${index % 2 === 0 ? "a" : "b"}/${String(index >> 1)}/**`],
      })),
    ],
    [
      "cooldowns of long rules",
      policy(200, (rule) => ({
        ...{ service: "s", cooldown: "1m" },
        commands: times(100, (index) => `c${String(rule)}-${String(index)}`),
      })),
      policy(200, (rule) => ({
        ...{ service: "s", cooldown: "1m" },
        commands: times(100, (index) => `c${String(rule)}-${String(index)}`).toReversed(),
      })),
    ],
  ])("%s", (_, child, parent) => {
    for (const content of [child, parent]) expect(policyContentSchema.safeParse(content).success).toBe(true);
    const { reason, reads } = costOf(child, parent);
    expect(reason).toMatch(/^rules\./);
    expect(reads).toBeLessThan(POLICY_LIMITS.inclusionSteps * READS_A_STEP);
  });
});
