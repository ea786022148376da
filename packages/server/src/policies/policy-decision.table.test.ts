import { describe, expect, test } from "vitest";
import { compilePolicy, decide } from "./policy-decision.js";
import { policyContentSchema, type PolicyRule } from "./policy-schema.js";
import { actionOf } from "./testing/action-of.js";
import { DECISION_CASES } from "./testing/decision-cases.js";

function isAllowed(rules: readonly PolicyRule[], text: string): boolean {
  return decide(compilePolicy({ rules: [...rules] }), actionOf(text), 0).allowed;
}

describe.each(DECISION_CASES)("a policy with $title", ({ rules, allowed, denied }) => {
  if (allowed.length > 0) {
    test.each(allowed)("allows %j", (text) => {
      expect(isAllowed(rules, text)).toBe(true);
    });
  }
  if (denied.length > 0) {
    test.each(denied)("denies %j", (text) => {
      expect(isAllowed(rules, text)).toBe(false);
    });
  }
});

test("the schema lets all of these policies through", () => {
  for (const { rules } of DECISION_CASES) expect(policyContentSchema.safeParse({ rules }).success).toBe(true);
});

test("these are at least 200 decisions", () => {
  expect(
    DECISION_CASES.flatMap(({ allowed, denied }) => [...allowed, ...denied]).length,
  ).toBeGreaterThanOrEqual(200);
});
