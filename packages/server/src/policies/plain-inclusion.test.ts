import { describe, expect, test } from "vitest";
import { createInclusion, type StepBudget } from "./path-inclusion.js";
import { parsePathPattern, type PathPattern } from "./path-pattern.js";
import { isPlainlyIncluded } from "./plain-inclusion.js";
import { POLICY_LIMITS } from "./policy-limits.js";

function pattern(text: string): PathPattern {
  const parsed = parsePathPattern(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.pattern;
}

const judge = (narrower: string, wider: string): boolean =>
  isPlainlyIncluded(pattern(narrower), pattern(wider));

describe("it is seen segment by segment that a pattern is included in", () => {
  test.each([
    ["/a/b", "/a/b"],
    ["/a", "/a/**"],
    ["/a/", "/a/**"],
    ["/", "/**"],
    ["/a/**/b", "/a/**"],
    ["/a/b*/c", "/a/*/c"],
    ["/a/*/c/**", "/*/*/**"],
    ["/a*/x", "/a*/*"],
    ["/a/**/b", "/*/**/b"],
  ])("%s ⊆ %s", (narrower, wider) => {
    expect(judge(narrower, wider)).toBe(true);
  });

  test.each([
    ["/a/b", "/a/c"],
    ["/a/b/c", "/a/b"],
    ["/a", "/a/b/**"],
    ["/a/", "/a/*"],
    ["/**", "/*"],
    ["/**/b", "/*/b"],
    ["/a*", "/b*"],
    ["/*", "/a*"],
    ["/*", "/a"],
    ["/a*b", "/a*"],
  ])("%s not in %s", (narrower, wider) => {
    expect(judge(narrower, wider)).toBe(false);
  });
});

test("what is plain costs so little that a policy of a hundred patterns is compared with another", () => {
  const budget: StepBudget = { steps: POLICY_LIMITS.inclusionSteps };
  const numbers = Array.from({ length: 100 }, (_, index) => index);
  const isIncluded = createInclusion(
    numbers.map((number) => pattern(`/repos/acme/app${number}/**`)),
    budget,
  );
  expect(numbers.every((number) => isIncluded(pattern(`/repos/acme/app${number}/issues/*/**`)))).toBe(true);
  expect(budget.steps).toBeGreaterThan(POLICY_LIMITS.inclusionSteps / 2);
});
