import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Action } from "./action.js";
import { compilePolicy, decide, type Decision } from "./policy-decision.js";
import { policyContentSchema, type PolicyContent, type PolicyRule } from "./policy-schema.js";
import { actionOf } from "./testing/action-of.js";
import { anyAction, anyRule } from "./testing/any-policy.js";
import { cpuMilliseconds } from "./testing/cpu-milliseconds.js";

const NOW = Date.parse("2026-11-22T12:00:00Z");

function decideFor(content: PolicyContent, action: Action, now = NOW): Decision {
  return decide(compilePolicy(content), action, now);
}

test("with an allow-list of commands, the words that were judged are what is to be sent", () => {
  const rules: PolicyRule[] = [{ service: "prod", commands: ["ls"] }];
  expect(decideFor({ rules }, actionOf('exec prod ls   "a b" ~'))).toEqual({
    allowed: true,
    rule: expect.objectContaining({ index: 0, cooldownMs: 0, command: "ls 'a b' '~'" }) as unknown,
    cooldowns: [],
  });
  const free = decideFor(
    { rules: [...rules, { service: "prod", actions: ["exec"] }] },
    actionOf("exec prod ls | wc"),
  );
  expect(free).toMatchObject({ allowed: true, rule: { index: 1 } });
  expect(free.allowed && "command" in free.rule).toBe(false);
});

describe("a cooldown", () => {
  const often: PolicyRule = { service: "s", cooldown: "10s" };
  const seldom: PolicyRule = { service: "s", methods: ["GET"], cooldown: "5m" };
  const free: PolicyRule = { service: "s", methods: ["GET"], paths: ["/free"] };

  test("does not matter where a rule without one allows the action", () => {
    expect(decideFor({ rules: [often, seldom, free] }, actionOf("GET s /free"))).toMatchObject({
      allowed: true,
      rule: { index: 2, cooldownMs: 0 },
      cooldowns: [],
    });
  });

  test.each([[[often, seldom, free]], [[seldom, free, often]], [[free, seldom, often]]])(
    "otherwise every rule is named, the shortest first, whatever their order",
    (rules) => {
      const decision = decideFor({ rules }, actionOf("GET s /x"));
      if (!decision.allowed) throw new Error(decision.reason);
      expect(decision.cooldowns.map(({ cooldownMs }) => cooldownMs)).toEqual([10_000, 300_000]);
      expect(decision.rule).toEqual(decision.cooldowns[0]);
      expect(decision.cooldowns.map(({ index }) => rules[index])).toEqual([often, seldom]);
    },
  );

  test("is known by what its rule allows, not by its length, its place, or the order of its lists", () => {
    const keyOf = (rule: PolicyRule, before: PolicyRule[] = []): string => {
      const decision = decideFor({ rules: [...before, rule] }, actionOf("GET s /a"));
      return decision.allowed ? decision.rule.key : "";
    };
    const rule: PolicyRule = {
      service: ["s", "t"],
      methods: ["GET", "PUT"],
      paths: ["/a", "/b"],
      cooldown: "1m",
    };
    const key = keyOf(rule);
    expect(keyOf({ ...rule, cooldown: "2m" })).toBe(key);
    expect(keyOf(rule, [{ service: "x" }])).toBe(key);
    expect(keyOf({ ...rule, service: ["t", "s"], methods: ["PUT", "GET"], paths: ["/b", "/a", "/a"] })).toBe(
      key,
    );
    expect(keyOf({ ...rule, paths: ["/a"] })).not.toBe(key);
    expect(keyOf({ service: ["s", "t"], cooldown: "1m" })).not.toBe(key);
  });
});

describe("a validity window", () => {
  const content: PolicyContent = {
    rules: [{ service: "*" }],
    valid: { from: "2026-11-22T12:00:00Z", until: "2026-11-22T14:00:00+01:00" },
  };
  test.each([
    ["before it", -1, false],
    ["at its beginning", 0, true],
    ["before its end", 3_599_999, true],
    ["at its end", 3_600_000, false],
  ])("%s", (_, offset, allowed) => {
    expect(decideFor(content, actionOf("GET s /"), NOW + offset).allowed).toBe(allowed);
  });
});

test("the limits are given as numbers", () => {
  const limits = { requests_per_minute: 60, max_concurrent: 8, max_uses: 10, bytes_per_day: "1GB" };
  expect(compilePolicy({ rules: [], limits }).limits).toEqual({
    requestsPerMinute: 60,
    maxConcurrent: 8,
    maxUses: 10,
    bytesPerDay: 1e9,
  });
  expect(compilePolicy({ rules: [] }).limits).toEqual({});
  expect(compilePolicy({ rules: [] }).valid).toEqual({ from: -Infinity, until: Infinity });
});

describe("a denial", () => {
  test.each([
    ["no rule for this service", "GET sEcReT /"],
    ["this method and path", "POST github /sEcReT"],
    ["the path holds a dot segment", "GET github /sEcReT/.."],
    ["this action", "exec github sEcReT"],
  ])("says %s, and repeats nothing of the action", (words, text) => {
    const decision = decideFor(
      { rules: [{ service: "github", methods: ["GET"], paths: ["/a"] }] },
      actionOf(text),
    );
    expect(decision).toMatchObject({ allowed: false, reason: expect.stringContaining(words) as unknown });
    expect(JSON.stringify(decision)).not.toContain("sEcReT");
  });
});

describe("for any policy and action", () => {
  test("the order of rules changes neither the decision nor the cooldowns", () => {
    let allowed = 0;
    fc.assert(
      fc.property(
        fc
          .array(anyRule, { minLength: 1, maxLength: 8 })
          .chain((rules) =>
            fc.tuple(fc.constant(rules), fc.shuffledSubarray(rules, { minLength: rules.length })),
          ),
        anyAction,
        ([rules, shuffled], action) => {
          const [first, second] = [decideFor({ rules }, action), decideFor({ rules: shuffled }, action)];
          expect(first.allowed).toBe(second.allowed);
          if (!first.allowed || !second.allowed) return;
          allowed += 1;
          expect(first.cooldowns.map(({ key }) => key)).toEqual(second.cooldowns.map(({ key }) => key));
          expect(first.rule.cooldownMs).toBe(second.rule.cooldownMs);
          expect(first.rule.command).toBe(second.rule.command);
        },
      ),
      { numRuns: 2000 },
    );
    expect(allowed).toBeGreaterThan(300);
  });

  test("a policy with fewer rules, or one field more in a rule, never allows more", () => {
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 6 }), anyRule, anyAction, (rules, rule, action) => {
        const wide = decideFor({ rules: [...rules, rule] }, action).allowed;
        if (!decideFor({ rules }, action).allowed) {
          // Whatever is allowed only by the one rule is so no more when that is narrowed.
          for (const narrower of narrowed(rule)) {
            if (decideFor({ rules: [...rules, narrower] }, action).allowed) expect(wide).toBe(true);
          }
        } else expect(wide).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("a rule alone allows it exactly if the policy does by one of its rules", () => {
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 6 }), anyAction, (rules, action) => {
        const any = rules.some((rule) => decideFor({ rules: [rule] }, action).allowed);
        expect(decideFor({ rules }, action).allowed).toBe(any);
      }),
      { numRuns: 1000 },
    );
  });
});

function narrowed(rule: PolicyRule): readonly PolicyRule[] {
  const candidates: object[] = [
    { ...rule, service: "github" },
    { ...rule, methods: ["GET"] },
    { ...rule, paths: (rule.paths ?? ["/**"]).slice(0, 1) },
    { ...rule, actions: (rule.actions ?? ["exec"]).slice(0, 1) },
    { ...rule, commands: (rule.commands ?? ["ls"]).slice(0, 1) },
    { ...rule, remote_paths: (rule.remote_paths ?? ["/srv"]).slice(0, 1) },
  ];
  const services = typeof rule.service === "string" ? [rule.service] : rule.service;
  return candidates.flatMap((candidate, index) => {
    if (index === 0 && !services.includes("github") && !services.includes("*")) return [];
    if (index === 1 && rule.methods !== undefined && !rule.methods.includes("GET")) return [];
    const parsed = policyContentSchema.safeParse({ rules: [candidate] });
    return parsed.success ? parsed.data.rules : [];
  });
}

test("a policy that was asked before decides as one that was not", () => {
  fc.assert(
    fc.property(
      fc.array(anyRule, { minLength: 1, maxLength: 4 }),
      fc.array(anyAction, { minLength: 1, maxLength: 8 }),
      (rules, actions) => {
        const asked = compilePolicy({ rules });
        for (const action of [...actions, ...actions]) {
          for (const namesAnotherResource of [false, true, false]) {
            const asking = action.kind === "http" ? { ...action, namesAnotherResource } : action;
            expect(decide(asked, asking, NOW)).toEqual(decideFor({ rules }, asking));
          }
        }
      },
    ),
  );
});

test("a path that is known to be allowed is not for other methods, services and times", () => {
  const policy = compilePolicy({
    rules: [
      { service: "s", methods: ["GET"], paths: ["/a"] },
      { service: "s", methods: ["POST"], paths: ["/b"] },
      { service: "t", methods: ["GET"], paths: ["/b"] },
    ],
    valid: { until: "2026-11-22T13:00:00Z" },
  });
  const isAllowed = (text: string, now = NOW): boolean => decide(policy, actionOf(text), now).allowed;
  expect([isAllowed("GET s /a"), isAllowed("POST s /b"), isAllowed("GET t /b")]).toEqual([true, true, true]);
  expect([isAllowed("POST s /a"), isAllowed("GET s /b"), isAllowed("GET t /a")]).toEqual([
    false,
    false,
    false,
  ]);
  expect(isAllowed("GET s /a", NOW + 3_600_000)).toBe(false);
  expect(decide(policy, { ...actionOf("GET s /a"), namesAnotherResource: true } as Action, NOW).allowed).toBe(
    false,
  );
});

test("a call that names another resource is for rules without paths only", () => {
  const decided = (...rules: PolicyRule[]): Decision =>
    decide(
      compilePolicy({ rules }),
      { kind: "http", service: "s", method: "MOVE", rawPath: "/a", namesAnotherResource: true },
      NOW,
    );
  const withPaths: PolicyRule = { service: "s", paths: ["/**"] };
  expect(decided(withPaths)).toMatchObject({
    allowed: false,
    reason: expect.stringMatching(/names another resource$/) as unknown,
  });
  expect(decided(withPaths, { service: "s", methods: ["MOVE"] })).toMatchObject({
    allowed: true,
    rule: { index: 1 },
  });
});

test("fifty rules for one service cost microseconds", () => {
  const rules: PolicyRule[] = Array.from({ length: 50 }, (_, index) => ({
    service: "github",
    methods: ["GET", "POST"],
    paths: [`/repos/acme-${index}/**`, `/orgs/acme-${index}/*/members`, `/**/hook-${index}`],
  }));
  const policy = compilePolicy(policyContentSchema.parse({ rules }));
  const action: Action = {
    kind: "http",
    service: "github",
    method: "GET",
    rawPath: "/repos/acme-x/app/issues/42",
  };
  const rounds = 5000;
  for (let round = 0; round < rounds; round += 1) decide(policy, action, NOW);
  const took = cpuMilliseconds(() => {
    for (let round = 0; round < rounds; round += 1) decide(policy, action, NOW);
  });
  expect((took / rounds) * 1000).toBeLessThan(50);
});
