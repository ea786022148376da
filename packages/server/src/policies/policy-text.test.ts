import { describe, expect, test } from "vitest";
import { POLICY_LIMITS } from "./policy-limits.js";
import { readPolicyText } from "./policy-text.js";
import { cpuMilliseconds } from "./testing/cpu-milliseconds.js";

function value(text: string): unknown {
  const read = readPolicyText(text);
  if (!read.ok) throw new Error(read.reason);
  return read.value;
}

test("a policy in YAML", () => {
  expect(
    value(
      '# for the bot\nname: triage-bot\nrules:\n  - service: github\n    methods: [GET]\n    paths: ["/repos/**", /user]\n' +
        "limits:\n  requests_per_minute: 60\n  bytes_per_day: 1GB\nvalid: { until: 2027-01-01T00:00:00Z }\n",
    ),
  ).toEqual({
    name: "triage-bot",
    rules: [{ service: "github", methods: ["GET"], paths: ["/repos/**", "/user"] }],
    limits: { requests_per_minute: 60, bytes_per_day: "1GB" },
    valid: { until: "2027-01-01T00:00:00Z" },
  });
});

test.each([
  ["in one line", (policy: unknown) => JSON.stringify(policy)],
  ["indented with blanks", (policy: unknown) => JSON.stringify(policy, null, 2)],
  ["indented with tabs", (policy: unknown) => JSON.stringify(policy, null, "\t")],
])("the same policy in JSON, %s", (_, write) => {
  const policy = {
    name: "a",
    rules: [{ service: "*", paths: ["/\u00e9\\u", "/a: b"] }],
    limits: { max_uses: 1 },
  };
  expect(value(write(policy))).toEqual(policy);
});

test("what YAML 1.1 would take for something else is a text", () => {
  expect(value("[no, yes, on, off, y, 1:30, 0o17, 2026-01-01, ~]")).toEqual([
    "no",
    "yes",
    "on",
    "off",
    "y",
    "1:30",
    0o17,
    "2026-01-01",
    null,
  ]);
});

describe("is refused, without a word of it:", () => {
  test.each([
    ["a tag", "name: !!str sEcReT"],
    ["an unknown tag", "name: !sEcReT x"],
    ["a binary", "name: !!binary c0VjUmVU"],
    ["an anchor", "a: &sEcReT x"],
    ["an alias", "a: &sEcReT x\nb: *sEcReT"],
    ["an unknown alias", "a: *sEcReT"],
    ["a merge key", "a: &sEcReT {x: 1}\nb: {<<: *sEcReT}"],
    [
      "a bomb of aliases",
      `a: &a [x]\n${Array.from({ length: 20 }, (_, n) => `k${n}: &k${n} [*a,*a]`).join("\n")}`,
    ],
    ["a duplicate key", "name: a\nname: sEcReT"],
    ["a duplicate key in JSON", '{"name": "a", "name": "sEcReT"}'],
    ["a directive", "%YAML 1.1\n---\nname: sEcReT"],
    ["a tag directive", "%TAG ! tag:sEcReT,2000:\n---\nname: a"],
    ["two documents", "name: a\n---\nname: sEcReT"],
    ["broken YAML", "name: [sEcReT"],
    ["broken JSON", '{"name": "sEcReT"'],
    ["a tab for indentation", "a:\n\tsEcReT: 1"],
    ["what is too long", `a: ${"sEcReT".repeat(POLICY_LIMITS.textBytes)}`],
    ["what is too long in bytes only", `a: ${"é".repeat(POLICY_LIMITS.textBytes / 2)}sEcReT`],
  ])("%s", (_, text) => {
    const read = readPolicyText(text);
    expect(read).toMatchObject({ ok: false });
    expect(JSON.stringify(read)).not.toContain("sEcReT");
  });

  test.each(["[", "{a: ", "- ", "[{", "? ", ": ", "a: ", "-\t", "[[],", "{? ", "[? ", "!a ", "&a ", '"": '])(
    "%j nested as deeply as fits, quickly",
    (opening) => {
      const text = opening.repeat(POLICY_LIMITS.textBytes / opening.length);
      const took = cpuMilliseconds(() => {
        expect(readPolicyText(text)).toMatchObject({ ok: false });
      });
      expect(took).toBeLessThan(3000);
    },
  );
});

test("a list nested by its indentation, as deeply as fits, is refused", () => {
  const lines = Array.from({ length: 600 }, (_, depth) => `${" ".repeat(depth)}-`);
  expect(readPolicyText(lines.join("\n"))).toEqual({ ok: false, reason: "the policy is nested too deep" });
});

test("brackets within texts do not count as nested", () => {
  const commands = Array.from({ length: 50 }, () => "grep '[[[{{{'");
  expect(value(JSON.stringify({ commands }))).toEqual({ commands });
  expect(value(commands.map((command) => `- ${command}`).join("\n"))).toEqual(commands);
});

test("a fault names its line", () => {
  expect(readPolicyText("name: a\nrules: []\nname: b\n")).toEqual({
    ok: false,
    reason: "the policy is not valid YAML at line 3",
  });
});

test("an empty text is no object, which the schema then refuses", () => {
  expect(value("")).toBeNull();
});
