import { expect, test } from "vitest";
import type { PolicyContent } from "../policies/policy-schema.js";
import type { TokenRecord } from "../tokens/token-record.js";
import { effectivePolicies, whyNotForChild } from "./effective-policies.js";

const READ: PolicyContent = { rules: [{ service: "a", methods: ["GET"] }] };
const ALL: PolicyContent = { rules: [{ service: "*" }] };
const token = (fields: Partial<TokenRecord>): TokenRecord => ({
  ...{ digest: "", id_prefix: "tok_", scope: "proxy", created_at: "", expires_at: "", ...fields },
});
const policies = new Map([["all", ALL]]);

test("every policy of a token and of those above it holds", () => {
  const lineage = [token({}), token({ policy: "all" }), token({ rules: READ }), token({ policy: "gone" })];
  expect(effectivePolicies(lineage, policies)).toEqual([ALL, READ, { rules: [] }]);
  expect(effectivePolicies([token({})], policies)).toEqual([]);
});

test("a child's policy must be a part of each of them", () => {
  expect(whyNotForChild(ALL, [token({}), token({})], policies)).toBeUndefined();
  expect(whyNotForChild(READ, [token({ policy: "all" }), token({ rules: READ })], policies)).toBeUndefined();
  expect(whyNotForChild(ALL, [token({ policy: "all" }), token({ rules: READ })], policies)).toMatch(
    /rules\.0/,
  );
  expect(whyNotForChild(READ, [token({ policy: "gone" })], policies)).toMatch(/rules\.0/);
});
