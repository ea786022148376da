import { describe, expect, test } from "vitest";
import type { PolicyContent } from "../policies/policy-schema.js";
import { cpuMilliseconds } from "../policies/testing/cpu-milliseconds.js";
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

describe("a policy that is hard to compare", () => {
  const count = <T>(length: number, make: (index: number) => T): T[] =>
    Array.from({ length }, (_, index) => make(index));
  const withPaths = (paths: string[]): PolicyContent => ({ rules: [{ service: "api", paths }] });
  const services = (length: number, start: string): string[] => count(length, (index) => `${start}${index}`);

  test.each<[string, PolicyContent, PolicyContent]>([
    [
      "many wildcards",
      withPaths(count(100, (index) => `/${"**/*a*/".repeat(31)}${index}y`)),
      withPaths(count(100, (index) => `/${"**/*a*/".repeat(31)}${index}`)),
    ],
    [
      "two in a segment",
      withPaths(count(100, (index) => `/${"**/*a*b*/".repeat(25)}**/${index}*y`)),
      withPaths(count(100, (index) => `/${"**/*a*b*/".repeat(25)}**/${index}*`)),
    ],
    [
      "services",
      { rules: count(30, () => ({ service: services(100, "a"), methods: ["GET"] })) },
      {
        rules: [...count(199, () => ({ service: services(100, "b") })), { service: "*", methods: ["GET"] }],
      },
    ],
    [
      "commands",
      { rules: count(100, () => ({ service: "s", commands: services(100, "b ") })) },
      {
        rules: [
          ...count(100, () => ({ service: "s", commands: services(100, "a ") })),
          { service: "s", commands: ["b"] },
        ],
      },
    ],
    [
      "remote paths",
      { rules: count(100, () => ({ service: "s", remote_paths: services(100, "/b/c/d") })) },
      {
        rules: [
          ...count(100, () => ({ service: "s", remote_paths: services(100, "/a/c/d") })),
          { service: "s", remote_paths: ["/b"] },
        ],
      },
    ],
  ])("for its %s is refused, and soon, however many policies it is compared with", (_, child, above) => {
    const lineage = [token({ rules: above }), token({ rules: above }), token({ rules: above })];
    const took = cpuMilliseconds(() => {
      expect(() => whyNotForChild(child, lineage, policies)).toThrow(
        expect.objectContaining({
          code: "invalid_request",
          message: expect.stringMatching(/too complex/) as unknown,
        }),
      );
    });
    expect(took).toBeLessThan(200);
  });

  test("is not one of a hundred paths, each below one of a hundred", () => {
    const above = withPaths(count(100, (index) => `/repos/acme/project-${index}/**`));
    const child = withPaths(count(100, (index) => `/repos/acme/project-${index}/issues/*/labels`));
    expect(whyNotForChild(child, [token({ rules: above })], policies)).toBeUndefined();
    expect(whyNotForChild(above, [token({ rules: above })], policies)).toBeUndefined();
  });
});
