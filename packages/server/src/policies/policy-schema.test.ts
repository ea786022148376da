import { describe, expect, test } from "vitest";
import { POLICY_LIMITS } from "./policy-limits.js";
import { policyContentSchema, policySchema } from "./policy-schema.js";

const whole = {
  name: "triage-bot",
  description: "Reads issues.",
  rules: [
    { service: "github", methods: ["GET", "M-SEARCH"], paths: ["/repos/acme/**", "/user"], cooldown: "300s" },
    { service: ["prod-server", "test-server"], actions: ["exec"], commands: ["docker ps"] },
    { service: "files", actions: ["upload", "download"], remote_paths: ["/srv/app"] },
    { service: "app-db", actions: ["session"] },
    { service: "*" },
  ],
  limits: { requests_per_minute: 60, max_concurrent: 8, max_uses: 1000, bytes_per_day: "1GB" },
  valid: { from: "2026-01-01T00:00:00Z", until: "2027-01-01T01:00:00.5+02:00" },
};

test("a policy with every field is kept as it was written", () => {
  expect(policySchema.parse(whole)).toEqual(whole);
});

test("the smallest policy has no rule, and allows nothing", () => {
  expect(policySchema.parse({ name: "a", rules: [] })).toEqual({ name: "a", rules: [] });
  expect(policyContentSchema.parse({ rules: [] })).toEqual({ rules: [] });
});

const rule = (fields: object): object => ({ name: "a", rules: [{ service: "s", ...fields }] });
const limits = (fields: object): object => ({ name: "a", rules: [], limits: fields });
const valid = (fields: object): object => ({ name: "a", rules: [], valid: fields });
const many = (count: number, of: unknown = "x"): unknown[] => Array.from({ length: count }, () => of);

describe("a policy is refused, and the field named, for", () => {
  test.each<[string, object, string]>([
    ["no name", { rules: [] }, "name"],
    ["an empty name", { name: "", rules: [] }, "name"],
    ["a name with a slash", { name: "a/b", rules: [] }, "name"],
    ["a name that is too long", { name: "a".repeat(POLICY_LIMITS.nameCharacters + 1), rules: [] }, "name"],
    ["a number as name", { name: 5, rules: [] }, "name"],
    ["a description that is too long", { name: "a", description: "a".repeat(501), rules: [] }, "description"],
    ["no rules", { name: "a" }, "rules"],
    ["rules that are no list", { name: "a", rules: {} }, "rules"],
    ["too many rules", { name: "a", rules: many(POLICY_LIMITS.rules + 1, { service: "s" }) }, "rules"],
    ["an unknown field", { name: "a", rules: [], rule: [] }, ""],
    ["an unknown field of a rule", rule({ method: "GET" }), "rules.0"],
    ["an unknown limit", limits({ requests_per_second: 1 }), "limits"],
    ["a rule without a service", { name: "a", rules: [{ methods: ["GET"] }] }, "rules.0.service"],
    ["a service with a slash", rule({ service: "a/b" }), "rules.0.service"],
    ["a wildcard within a service", rule({ service: "git*" }), "rules.0.service"],
    ["a wildcard in a list of services", rule({ service: ["a", "*"] }), "rules.0.service.1"],
    ["an empty list of services", rule({ service: [] }), "rules.0.service"],
    ["too many services", rule({ service: many(POLICY_LIMITS.servicesOfARule + 1) }), "rules.0.service"],
    ["a method in small letters", rule({ methods: ["get"] }), "rules.0.methods.0"],
    ["a method that is none", rule({ methods: ["GET POST"] }), "rules.0.methods.0"],
    ["an empty list of methods", rule({ methods: [] }), "rules.0.methods"],
    ["too many methods", rule({ methods: many(POLICY_LIMITS.methodsOfARule + 1, "GET") }), "rules.0.methods"],
    [
      "a long method",
      rule({ methods: ["G".repeat(POLICY_LIMITS.methodCharacters + 1)] }),
      "rules.0.methods.0",
    ],
    ["a pattern that can match nothing", rule({ paths: ["/a", "/../b"] }), "rules.0.paths.1"],
    ["a pattern without a slash", rule({ paths: ["a"] }), "rules.0.paths.0"],
    ["an empty list of paths", rule({ paths: [] }), "rules.0.paths"],
    ["too many paths", rule({ paths: many(POLICY_LIMITS.pathsOfARule + 1, "/a") }), "rules.0.paths"],
    ["an unknown action", rule({ actions: ["run"] }), "rules.0.actions.0"],
    ["an empty list of actions", rule({ actions: [] }), "rules.0.actions"],
    ["more actions than there are", rule({ actions: many(5, "exec") }), "rules.0.actions"],
    ["a command that is several", rule({ commands: ["ls; rm"] }), "rules.0.commands.0"],
    ["an empty command", rule({ commands: [""] }), "rules.0.commands.0"],
    ["an empty list of commands", rule({ commands: [] }), "rules.0.commands"],
    ["too many commands", rule({ commands: many(POLICY_LIMITS.commandsOfARule + 1) }), "rules.0.commands"],
    [
      "a long command",
      rule({ commands: ["x".repeat(POLICY_LIMITS.commandCharacters + 1)] }),
      "rules.0.commands.0",
    ],
    ["a relative remote path", rule({ remote_paths: ["srv"] }), "rules.0.remote_paths.0"],
    ["an empty list of remote paths", rule({ remote_paths: [] }), "rules.0.remote_paths"],
    [
      "many remote paths",
      rule({ remote_paths: many(POLICY_LIMITS.remotePathsOfARule + 1, "/a") }),
      "rules.0.remote_paths",
    ],
    ["a long remote path", rule({ remote_paths: [`/${"x/".repeat(600)}`] }), "rules.0.remote_paths.0"],
    ["actions beside methods", rule({ methods: ["GET"], actions: ["exec"] }), "rules.0.actions"],
    ["actions beside paths", rule({ paths: ["/a"], actions: ["session"] }), "rules.0.actions"],
    ["commands beside paths", rule({ paths: ["/a"], commands: ["ls"] }), "rules.0.commands"],
    ["remote paths beside methods", rule({ methods: ["PUT"], remote_paths: ["/a"] }), "rules.0.remote_paths"],
    ["commands without exec", rule({ actions: ["upload"], commands: ["ls"] }), "rules.0.commands"],
    [
      "remote paths without a transfer",
      rule({ actions: ["exec"], remote_paths: ["/a"] }),
      "rules.0.remote_paths",
    ],
    [
      "commands beside a session",
      rule({ actions: ["exec", "session"], commands: ["ls"] }),
      "rules.0.actions",
    ],
    [
      "remote paths beside a session",
      rule({ actions: ["upload", "session"], remote_paths: ["/a"] }),
      "rules.0.actions",
    ],
    [
      "a transfer that commands do not limit",
      rule({ actions: ["exec", "upload"], commands: ["ls"] }),
      "rules.0.actions",
    ],
    [
      "exec that remote paths do not limit",
      rule({ actions: ["exec", "upload"], remote_paths: ["/a"] }),
      "rules.0.actions",
    ],
    [
      "commands and remote paths without actions",
      rule({ commands: ["ls"], remote_paths: ["/a"] }),
      "rules.0.actions",
    ],
    ["a cooldown that is a number", rule({ cooldown: 300 }), "rules.0.cooldown"],
    ["a cooldown without a unit", rule({ cooldown: "300" }), "rules.0.cooldown"],
    ["a cooldown of nothing", rule({ cooldown: "0" }), "rules.0.cooldown"],
    ["a cooldown under a second", rule({ cooldown: "999ms" }), "rules.0.cooldown"],
    ["a cooldown over a month", rule({ cooldown: "745h" }), "rules.0.cooldown"],
    ["no requests", limits({ requests_per_minute: 0 }), "limits.requests_per_minute"],
    ["half a request", limits({ requests_per_minute: 0.5 }), "limits.requests_per_minute"],
    ["too many requests", limits({ requests_per_minute: 60_001 }), "limits.requests_per_minute"],
    ["requests as a text", limits({ requests_per_minute: "60" }), "limits.requests_per_minute"],
    ["no concurrency", limits({ max_concurrent: 0 }), "limits.max_concurrent"],
    ["too much concurrency", limits({ max_concurrent: 10_001 }), "limits.max_concurrent"],
    ["negative uses", limits({ max_uses: -1 }), "limits.max_uses"],
    ["too many uses", limits({ max_uses: 1e9 + 1 }), "limits.max_uses"],
    ["no bytes", limits({ bytes_per_day: 0 }), "limits.bytes_per_day"],
    ["bytes without a number", limits({ bytes_per_day: "GB" }), "limits.bytes_per_day"],
    ["too many bytes", limits({ bytes_per_day: "1000TB" }), "limits.bytes_per_day"],
    ["a date without a time", valid({ from: "2026-01-01" }), "valid.from"],
    ["a time without an offset", valid({ until: "2026-01-01T00:00:00" }), "valid.until"],
    ["a day that is none", valid({ until: "2026-02-30T00:00:00Z" }), "valid.until"],
    [
      "an end before the beginning",
      valid({ from: "2027-01-01T00:00:00Z", until: "2026-01-01T00:00:00Z" }),
      "valid.until",
    ],
    [
      "an end at the beginning",
      valid({ from: "2027-01-01T00:00:00Z", until: "2027-01-01T01:00:00+01:00" }),
      "valid.until",
    ],
    [
      "patterns that are too long in all",
      { name: "a", rules: many(70, { service: "s", paths: [`/${"a".repeat(500)}`] }) },
      "rules",
    ],
    ["no object", [], ""],
  ])("%s", (_, policy, field) => {
    const result = policySchema.safeParse(policy);
    expect(result.success).toBe(false);
    expect(result.error?.issues.map(({ path }) => path.join("."))).toContain(field);
  });
});

test("a content has no name", () => {
  expect(policyContentSchema.safeParse({ name: "a", rules: [] }).success).toBe(false);
});

test("what does not contradict itself may stand together", () => {
  for (const fields of [
    { actions: ["exec", "upload"], commands: ["ls"], remote_paths: ["/a"] },
    { actions: ["exec", "session"] },
    { actions: ["exec"], commands: ["ls"] },
    { commands: ["ls"] },
    { remote_paths: ["/a"] },
    { actions: ["upload"], remote_paths: ["/a"] },
  ]) {
    expect(policySchema.safeParse(rule(fields)).success).toBe(true);
  }
});
