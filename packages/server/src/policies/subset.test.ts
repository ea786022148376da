import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Action } from "./action.js";
import { compilePolicy, decide } from "./policy-decision.js";
import type { PolicyContent, PolicyRule } from "./policy-schema.js";
import { isSubset, whyNotSubset } from "./subset.js";
import { anyAction, anyRule } from "./testing/any-policy.js";

const rules = (...list: PolicyRule[]): PolicyContent => ({ rules: list });
const parent: PolicyContent = {
  rules: [
    { service: "github", methods: ["GET"], paths: ["/repos/acme/**", "/user"] },
    { service: "github", methods: ["POST"], paths: ["/repos/acme/*/issues"] },
    { service: ["prod", "test"], commands: ["docker ps", "ls"] },
    { service: "prod", actions: ["upload", "download"], remote_paths: ["/srv/app"] },
    { service: "app-db", actions: ["session"] },
    { service: "*", methods: ["HEAD"] },
  ],
};

describe("a subset is", () => {
  test.each<[string, PolicyContent]>([
    ["the same policy", parent],
    ["no rule", rules()],
    ["the rules in another order", rules(...parent.rules.toReversed())],
    [
      "fewer paths",
      rules({ service: "github", methods: ["GET"], paths: ["/repos/acme/app", "/repos/acme/*/pulls"] }),
    ],
    [
      "paths of two rules",
      rules({ service: "github", methods: ["GET"], paths: ["/user", "/repos/acme/**/x"] }),
    ],
    [
      "methods of two rules",
      rules({ service: "github", methods: ["GET", "POST"], paths: ["/repos/acme/*/issues"] }),
    ],
    ["methods of a rule for every service", rules({ service: "github", methods: ["HEAD"] })],
    ["a method for every service", rules({ service: "*", methods: ["HEAD"], paths: ["/a"] })],
    ["a method for a service of no rule", rules({ service: "x", methods: ["HEAD"], paths: ["/**"] })],
    ["a longer command", rules({ service: "prod", commands: ["docker ps -a", "ls"] })],
    [
      "a command at one of the services",
      rules({ service: ["test"], actions: ["exec"], commands: ["ls '-l'"] }),
    ],
    ["a directory below", rules({ service: "prod", remote_paths: ["/srv/app/x", "/srv/./app/"] })],
    ["one action of two", rules({ service: "prod", actions: ["upload"], remote_paths: ["/srv/app"] })],
    ["a session", rules({ service: ["app-db"], actions: ["session"] })],
    ["a limit where there is none", { ...parent, limits: { requests_per_minute: 1, bytes_per_day: 5 } }],
    ["a validity where there is none", { ...parent, valid: { until: "2027-01-01T00:00:00Z" } }],
    [
      "a cooldown where there is none",
      rules({ service: "github", methods: ["GET"], paths: ["/user"], cooldown: "5s" }),
    ],
  ])("%s", (_, child) => {
    expect(whyNotSubset(child, parent)).toBeUndefined();
  });

  test("any policy, of one that allows everything", () => {
    expect(isSubset(parent, rules({ service: "*" }))).toBe(true);
  });

  test("what several rules cover together", () => {
    const wide = rules(
      { service: "s", methods: ["GET"] },
      { service: "s", paths: ["/a/*/**", "/b"] },
      { service: "s", paths: ["/a/", "/a"] },
      { service: "*", actions: ["exec"] },
    );
    expect(isSubset(rules({ service: "s", paths: ["/a/**"] }), wide)).toBe(true);
    expect(isSubset(rules({ service: "s", methods: ["GET"] }), wide)).toBe(true);
    expect(isSubset(rules({ service: ["s", "t"], commands: ["ls"] }), wide)).toBe(true);
    expect(isSubset(rules({ service: "s" }), wide)).toBe(false);
  });
});

describe("no subset is", () => {
  test.each<[string, PolicyContent]>([
    ["another service", rules({ service: "stripe", methods: ["GET"], paths: ["/user"] })],
    ["a list with another service", rules({ service: ["github", "x"], methods: ["GET"], paths: ["/user"] })],
    ["every service", rules({ service: "*", methods: ["GET"], paths: ["/user"] })],
    ["every method", rules({ service: "github", paths: ["/user"] })],
    ["another method", rules({ service: "github", methods: ["POST"], paths: ["/user"] })],
    ["every path", rules({ service: "github", methods: ["GET"] })],
    ["a wider path", rules({ service: "github", methods: ["GET"], paths: ["/repos/**"] })],
    ["a path beside", rules({ service: "github", methods: ["GET"], paths: ["/user", "/users"] })],
    [
      "paths and methods of two rules mixed",
      rules({ service: "github", methods: ["GET", "POST"], paths: ["/user"] }),
    ],
    ["every action", rules({ service: "prod" })],
    ["a shorter command", rules({ service: "prod", commands: ["docker"] })],
    ["another command", rules({ service: "prod", commands: ["ls", "id"] })],
    ["every command", rules({ service: "prod", actions: ["exec"] })],
    ["a command at another server", rules({ service: "app-db", commands: ["ls"] })],
    ["a directory above", rules({ service: "prod", remote_paths: ["/srv"] })],
    ["a directory beside", rules({ service: "prod", remote_paths: ["/srv/apple"] })],
    ["every file", rules({ service: "prod", actions: ["download"] })],
    ["a transfer at another server", rules({ service: "test", remote_paths: ["/srv/app"] })],
    ["a session at another server", rules({ service: "prod", actions: ["session"] })],
  ])("%s", (_, child) => {
    expect(whyNotSubset(child, parent)).toMatch(/^rules\.0: /);
  });

  test("whatever the child, of a policy without rules", () => {
    expect(isSubset(rules({ service: "s" }), rules())).toBe(false);
    expect(isSubset(rules(), rules())).toBe(true);
  });

  test("a fault names the rule", () => {
    expect(
      whyNotSubset(rules({ service: "app-db", actions: ["session"] }, { service: "y" }), parent),
    ).toMatch(/^rules\.1: /);
  });
});

describe("limits and validity", () => {
  const limited: PolicyContent = {
    rules: [],
    limits: { requests_per_minute: 10, max_concurrent: 10, max_uses: 10, bytes_per_day: "1KB" },
    valid: { from: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z" },
  };
  test.each<[string, PolicyContent, string | undefined]>([
    ["the same", limited, undefined],
    [
      "the same, written otherwise",
      { ...limited, limits: { ...limited.limits, bytes_per_day: 1000 } },
      undefined,
    ],
    [
      "smaller ones",
      { ...limited, limits: { requests_per_minute: 1, max_concurrent: 1, max_uses: 1, bytes_per_day: 1 } },
      undefined,
    ],
    [
      "a shorter validity",
      { ...limited, valid: { from: "2026-01-02T00:00:00Z", until: "2026-12-01T00:00:00Z" } },
      undefined,
    ],
    [
      "more requests",
      { ...limited, limits: { ...limited.limits, requests_per_minute: 11 } },
      "limits.requests_per_minute",
    ],
    [
      "more at a time",
      { ...limited, limits: { ...limited.limits, max_concurrent: 11 } },
      "limits.max_concurrent",
    ],
    ["more uses", { ...limited, limits: { ...limited.limits, max_uses: 11 } }, "limits.max_uses"],
    [
      "more bytes",
      { ...limited, limits: { ...limited.limits, bytes_per_day: "1KiB" } },
      "limits.bytes_per_day",
    ],
    [
      "no limit of uses, so that the other's counts",
      { ...limited, limits: { requests_per_minute: 1, max_concurrent: 1, bytes_per_day: 1 } },
      undefined,
    ],
    ["no limits", { rules: [], valid: limited.valid }, undefined],
    [
      "an earlier beginning",
      { ...limited, valid: { ...limited.valid, from: "2025-12-31T23:59:59Z" } },
      "valid.from",
    ],
    [
      "a later end",
      { ...limited, valid: { ...limited.valid, until: "2027-01-01T00:00:00-01:00" } },
      "valid.until",
    ],
    ["no end", { ...limited, valid: { from: "2026-01-01T00:00:00Z" } }, undefined],
    [
      "no beginning, and a later end",
      { ...limited, valid: { until: "2027-01-02T00:00:00Z" } },
      "valid.until",
    ],
    ["no validity", { rules: [], limits: limited.limits }, undefined],
  ])("%s", (_, child, fault) => {
    const reason = whyNotSubset(child, limited);
    if (fault === undefined) expect(reason).toBeUndefined();
    else expect(reason?.startsWith(`${fault}: `)).toBe(true);
  });
});

describe("cooldowns", () => {
  const rule: PolicyRule = { service: "s", paths: ["/a/**"] };
  test("must be as long", () => {
    expect(isSubset(rules({ ...rule, cooldown: "60s" }), rules({ ...rule, cooldown: "1m" }))).toBe(true);
    expect(isSubset(rules({ ...rule, cooldown: "2m" }), rules({ ...rule, cooldown: "1m" }))).toBe(true);
    expect(isSubset(rules({ ...rule, cooldown: "59s" }), rules({ ...rule, cooldown: "1m" }))).toBe(false);
    expect(isSubset(rules(rule), rules({ ...rule, cooldown: "1m" }))).toBe(false);
    expect(isSubset(rules(rule), rules({ ...rule, cooldown: "1m" }, rule))).toBe(true);
  });

  test("are not doubled by two rules for the same", () => {
    const one: PolicyRule = { service: "s", paths: ["/a/x"], cooldown: "1m" };
    const two: PolicyRule = { service: "s", paths: ["/a/y"], cooldown: "1m" };
    expect(isSubset(rules(one), rules({ ...rule, cooldown: "1m" }))).toBe(true);
    expect(isSubset(rules(one, two), rules({ ...rule, cooldown: "1m" }))).toBe(false);
    expect(
      isSubset(rules(one, two), rules({ ...rule, cooldown: "1m" }, { service: "s", cooldown: "30s" })),
    ).toBe(true);
    // Rules that allow the same share one cooldown.
    expect(isSubset(rules(one, two), rules({ ...rule, cooldown: "1m" }, { ...rule, cooldown: "30s" }))).toBe(
      false,
    );
    expect(
      isSubset(rules(one, two), rules({ ...rule, cooldown: "1m" }, { service: "s", paths: ["/a/y"] })),
    ).toBe(true);
    expect(isSubset(rules(one, two), rules(two, one))).toBe(true);
  });

  test("of rules that allow the same, one stands behind the other, also where another would cover it", () => {
    const wide: PolicyRule = { ...rule, cooldown: "1m" };
    const narrow: PolicyRule = { service: "s", paths: ["/a/x"], cooldown: "1m" };
    for (const both of [rules(wide, narrow), rules(narrow, wide)]) {
      expect(isSubset(both, rules(wide, narrow))).toBe(true);
      expect(isSubset(both, rules(narrow, wide))).toBe(true);
    }
    expect(isSubset(rules(wide), rules({ ...wide, cooldown: "2m" }))).toBe(false);
  });

  test("of several rules no more are used than are needed", () => {
    const [a, b, c] = ["a", "b", "c"].map((path): PolicyRule => ({
      service: "s",
      paths: [`/${path}`],
      cooldown: "1m",
    }));
    if (a === undefined || b === undefined || c === undefined) throw new Error("three rules");
    const both: PolicyRule = { service: "s", paths: ["/a", "/b"], cooldown: "1m" };
    for (const above of [rules(a, b, c), rules(c, b, a), rules(b, c, a)]) {
      expect(isSubset(rules(both, c), above)).toBe(true);
      expect(isSubset(rules(both, a), above)).toBe(false);
    }
  });
});

function allows(content: PolicyContent, action: Action): boolean {
  return decide(compilePolicy(content), action, 0).allowed;
}

describe("for any two policies", () => {
  const anyRules = fc.array(anyRule, { maxLength: 3 });
  // A child often shares rules with its parent, so that both answers come up.
  const anyFamily = anyRules.chain((above) =>
    fc.tuple(
      fc.constant(above),
      fc.array(fc.oneof(anyRule, ...above.map((rule) => fc.constant(rule))), { maxLength: 3 }),
    ),
  );

  test("what a subset allows, the other allows", () => {
    let subsets = 0;
    fc.assert(
      fc.property(
        anyFamily,
        fc.array(anyAction, { minLength: 20, maxLength: 20 }),
        ([above, below], actions) => {
          if (!isSubset(rules(...below), rules(...above))) return;
          subsets += 1;
          for (const action of actions) {
            if (allows(rules(...below), action)) expect(allows(rules(...above), action)).toBe(true);
          }
        },
      ),
      { numRuns: 1500 },
    );
    expect(subsets).toBeGreaterThan(200);
  });

  test("a part of the rules is a subset, and so is each rule with a list cut short", () => {
    fc.assert(
      fc.property(fc.array(anyRule, { minLength: 1, maxLength: 5 }), fc.nat(4), (above, pick) => {
        const free = above.map(({ cooldown: _, ...rule }) => rule);
        expect(isSubset(rules(...free.slice(0, pick)), rules(...free))).toBe(true);
        const cut = free.map((rule) => ({
          ...rule,
          ...(rule.paths === undefined ? {} : { paths: rule.paths.slice(0, 1) }),
          ...(rule.methods === undefined ? {} : { methods: rule.methods.slice(0, 1) }),
          ...(rule.commands === undefined ? {} : { commands: rule.commands.slice(0, 1) }),
          cooldown: "1h",
        }));
        expect(whyNotSubset(rules(...cut), rules(...free))).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test("a subset of a subset is a subset", () => {
    fc.assert(
      fc.property(anyRules, anyRules, anyRules, (first, second, third) => {
        const [a, b, c] = [
          rules(...first),
          rules(...first, ...second),
          rules(...first, ...second, ...third),
        ].map((content) => ({
          rules: content.rules.map(({ cooldown: _, ...rule }) => rule),
        }));
        if (a !== undefined && b !== undefined && c !== undefined && isSubset(a, b) && isSubset(b, c)) {
          expect(isSubset(a, c)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
