import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Action } from "./action.js";
import { backtest } from "./backtest.js";
import { learnPolicy } from "./learn.js";
import { compilePolicy, decide } from "./policy-decision.js";
import { POLICY_LIMITS } from "./policy-limits.js";
import { policySchema } from "./policy-schema.js";
import { actionOf } from "./testing/action-of.js";
import { anyAction } from "./testing/any-policy.js";
import { cpuMilliseconds } from "./testing/cpu-milliseconds.js";
import { WORKING_DAY_ABUSES } from "./testing/working-day-abuses.js";
import { workingDay } from "./testing/working-day.js";

describe("a realistic day of 10,000 calls", () => {
  const day = workingDay();
  let learned = learnPolicy([], { name: "learned" });
  const took = cpuMilliseconds(() => {
    learned = learnPolicy(day, { name: "learned" });
  });
  const { policy, notCovered } = learned;

  test("gives a policy of at most 30 rules, quickly", () => {
    expect(day).toHaveLength(10_000);
    expect(policySchema.parse(policy)).toEqual(policy);
    expect(policy.rules.length).toBeLessThanOrEqual(30);
    expect(took).toBeLessThan(5000);
  });

  test("that admits all of them", () => {
    expect(notCovered).toEqual([]);
    expect(backtest(policy, day)).toEqual({ allowed: 10_000, denied: [] });
  });

  test("there are at least 50 abuses", () => {
    expect(new Set(WORKING_DAY_ABUSES.map(([, action]) => action)).size).toBeGreaterThanOrEqual(50);
  });

  test.each(WORKING_DAY_ABUSES)("and does not let it %s", (_, text) => {
    expect(decide(compilePolicy(policy), actionOf(text), 0).allowed).toBe(false);
  });

  test("and lets it do the like of what it did", () => {
    for (const text of [
      "GET github /repos/acme/new-one/issues/7",
      "GET stripe /v1/customers/cus_NeverSeen1",
      "GET crm /api/v2/reports/2027-01-01.csv",
      "exec prod docker logs --tail 100 ffffeeee1111",
      "download prod /var/log/app/2027-01-01.log",
    ]) {
      expect({ text, allowed: decide(compilePolicy(policy), actionOf(text), 0).allowed }).toEqual({
        text,
        allowed: true,
      });
    }
  });

  test("names the paths as an admin would", () => {
    const rule = policy.rules.find(({ service, methods }) => service === "jira" && methods?.includes("GET"));
    expect(rule?.paths).toEqual(["/rest/api/3/issue/OPS-*", "/rest/api/3/search"]);
    expect(
      policy.rules.find(({ service, methods }) => service === "github" && methods?.includes("PATCH")),
    ).toEqual({
      service: "github",
      methods: ["PATCH"],
      paths: ["/repos/acme/*/issues/*"],
    });
    expect(
      policy.rules.find(({ service, actions }) => service === "prod" && actions?.includes("exec"))?.commands,
    ).toEqual(
      [
        "df -h",
        "docker inspect",
        "docker logs --tail",
        "docker ps",
        "systemctl status nginx",
        "uptime",
      ].sort(),
    );
  });
});

const learn = (...texts: string[]): object => learnPolicy(texts.map(actionOf), { name: "a" }).policy.rules;

test("methods with the same paths share a rule; services never do", () => {
  expect(learn("GET a /x/1", "PUT a /x/2", "DELETE a /y", "GET b /x/1")).toEqual([
    { service: "a", methods: ["DELETE"], paths: ["/y"] },
    { service: "a", methods: ["GET", "PUT"], paths: ["/x/*"] },
    { service: "b", methods: ["GET"], paths: ["/x/*"] },
  ]);
});

test("names beside each other become a wildcard beyond the threshold, but not at the top", () => {
  const names = Array.from({ length: 13 }, (_, index) => `n${"abcdefghijklm".charAt(index)}`);
  const under = (base: string, list = names): object => learn(...list.map((name) => `GET s ${base}/${name}`));
  expect(under("/repos")).toEqual([{ service: "s", methods: ["GET"], paths: ["/repos/*"] }]);
  expect(under("/repos", names.slice(1))).toMatchObject([
    { paths: names.slice(1).map((name) => `/repos/${name}`) },
  ]);
  expect(under("/api/v1")).toMatchObject([{ paths: names.map((name) => `/api/v1/${name}`) }]);
  expect(under("")).toMatchObject([{ paths: names.map((name) => `/${name}`) }]);
});

test("what no list can allow is named, and widens nothing", () => {
  const texts = ["GET s /a%2Fb", "GET s /a/../b", "exec s ls | wc", "upload s relative", "GET s /ok"];
  const { policy, notCovered } = learnPolicy(texts.map(actionOf), { name: "a" });
  expect(policy.rules).toEqual([{ service: "s", methods: ["GET"], paths: ["/ok"] }]);
  expect(notCovered).toEqual(texts.slice(0, 4).map(actionOf));
});

test("nothing observed gives a policy that allows nothing", () => {
  expect(learnPolicy([], { name: "a", description: "b" })).toEqual({
    policy: { name: "a", description: "b", rules: [] },
    notCovered: [],
  });
});

test("more than fits is widened until it does", () => {
  const names = Array.from("abcdefghijkl", (letter) => `name-${letter}`);
  const paths = names.flatMap((a) => names.flatMap((b) => names.map((c) => `/x/${a}/${b}/${c}`)));
  expect(paths.join("").length).toBeGreaterThan(POLICY_LIMITS.patternCharactersOfAPolicy);
  const observed = paths.map((path) => actionOf(`GET s ${path}`));
  expect(learnPolicy(observed, { name: "a" })).toEqual({
    policy: { name: "a", rules: [{ service: "s", methods: ["GET"], paths: ["/x/*/*/*"] }] },
    notCovered: [],
  });
});

test("what no widening makes fit is left out as a whole, and said", () => {
  const word = (index: number): string =>
    `${"abcdefghij".charAt(index % 10)}${"klmnopqrst".charAt(Math.floor(index / 10) % 10)}`;
  const observed = Array.from({ length: 100 }, (_, index) => actionOf(`GET s /${word(index).repeat(200)}`));
  expect(learnPolicy(observed, { name: "a" })).toEqual({
    policy: { name: "a", rules: [] },
    notCovered: observed,
  });
});

test("a path that is longer than a pattern may be keeps its start", () => {
  const observed = [
    actionOf(`GET s /y/${"ab".repeat(170)}/${"b/".repeat(90)}c`),
    actionOf(`GET s /z${"/d".repeat(70)}`),
  ];
  const { policy, notCovered } = learnPolicy(observed, { name: "a" });
  expect(notCovered).toEqual([]);
  expect(policy.rules[0]?.paths?.every((path) => path.endsWith("/**"))).toBe(true);
  expect(policy.rules[0]?.paths).toHaveLength(2);
});

test("whatever was done, the policy admits it or says that it cannot, and stays within services and methods", () => {
  fc.assert(
    fc.property(fc.array(anyAction, { maxLength: 30 }), anyAction, (observed, other) => {
      const { policy, notCovered } = learnPolicy(observed, { name: "a" });
      expect(backtest(policy, observed).denied.map(({ action }) => action)).toEqual(notCovered);
      const isAlike = (action: Action): boolean =>
        action.service === other.service &&
        (action.kind === "http"
          ? other.kind === "http" && other.method === action.method
          : (action.kind === "session" ? "session" : action.action) ===
            (other.kind === "ssh" ? other.action : other.kind));
      if (!observed.some(isAlike)) expect(decide(compilePolicy(policy), other, 0).allowed).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test("a backtest names what a policy would have denied, and why", () => {
  const observed = ["GET s /a", "POST s /a"].map(actionOf);
  const policy = {
    rules: [{ service: "s", methods: ["GET"] }],
    limits: { max_uses: 1 },
    valid: { from: "2099-01-01T00:00:00Z" },
  };
  expect(backtest(policy, observed)).toEqual({
    allowed: 1,
    denied: [{ action: observed[1], reason: expect.any(String) as unknown }],
  });
});

test("an asterisk in a path that was used widens nothing: such a path is named, and left out", () => {
  const paths = ["/repos/acme", "/*/*/*", "/repos/a*", "/repos/%2a", "/repos/%2A/b"];
  const used = paths.map((rawPath) => ({ kind: "http", service: "s", method: "GET", rawPath }) as const);
  const { policy, notCovered } = learnPolicy(used, { name: "a" });
  expect(policy.rules).toEqual([{ service: "s", methods: ["GET"], paths: ["/repos/acme"] }]);
  expect(notCovered).toEqual(used.slice(1));
  const upload = { kind: "ssh", service: "s", action: "upload", remotePath: "/srv/a*" } as const;
  const ofUpload = learnPolicy([upload], { name: "a" }).policy;
  expect(ofUpload.rules).toEqual([{ service: "s", actions: ["upload"], remote_paths: ["/srv/a*"] }]);
  expect(backtest(ofUpload, [upload, { ...upload, remotePath: "/srv/ab" }])).toMatchObject({ allowed: 1 });
});
