import { expect, test } from "vitest";
import type { PolicyContent } from "../policies/policy-schema.js";
import { countingOf, moreCounted, withoutLimits, type Counting } from "./counted-policy.js";

const policy = (more: Partial<PolicyContent>): PolicyContent => ({ rules: [{ service: "api" }], ...more });

test.each<[Counting, Partial<PolicyContent>]>([
  ["nothing", {}],
  ["nothing", { limits: {} }],
  ["nothing", { valid: { until: "2027-01-01T00:00:00Z" } }],
  ["beginnings", { limits: { requests_per_minute: 1 } }],
  ["beginnings", { limits: { max_concurrent: 1 } }],
  ["beginnings", { limits: { max_uses: 1 } }],
  ["all", { limits: { max_uses: 1, bytes_per_day: "1MB" } }],
  ["all", { rules: [{ service: "api" }, { service: "db", cooldown: "5s" }] }],
])("what is counted is %s of %j", (counting, content) => {
  expect(countingOf(policy(content))).toBe(counting);
  const uncounted = withoutLimits(policy(content));
  expect(countingOf(uncounted)).toBe("nothing");
  expect(uncounted.valid).toEqual(content.valid);
  expect(uncounted.rules).toHaveLength(policy(content).rules.length);
});

test("of two the stricter holds", () => {
  expect(moreCounted("nothing", "nothing")).toBe("nothing");
  expect(moreCounted("beginnings", "nothing")).toBe("beginnings");
  expect(moreCounted("nothing", "all")).toBe("all");
  expect(moreCounted("all", "beginnings")).toBe("all");
});
