import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPatternIncluded } from "./path-inclusion.js";
import { createPathMatcher, parsePathPattern, type PathPattern } from "./path-pattern.js";
import { POLICY_LIMITS } from "./policy-limits.js";
import { readRequestPath } from "./request-path.js";
import { cpuMilliseconds } from "./testing/cpu-milliseconds.js";

function pattern(text: string): PathPattern {
  const parsed = parsePathPattern(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.pattern;
}

function isIncluded(
  narrower: string,
  wider: readonly string[],
  steps: number = POLICY_LIMITS.inclusionSteps,
): boolean {
  return isPatternIncluded(pattern(narrower), wider.map(pattern), { steps });
}

describe("a pattern is included in", () => {
  test.each<[string, string[]]>([
    ["/a", ["/a"]],
    ["/a", ["/*"]],
    ["/a", ["/**"]],
    ["/", ["/**"]],
    ["/a/*", ["/*/*"]],
    ["/a/*", ["/a/**"]],
    ["/a/**", ["/**"]],
    ["/a/**/b", ["/a/**"]],
    ["/a/x/**/b", ["/a/**/b"]],
    ["/a/**/x/**/b", ["/a/**/b"]],
    ["/ab*", ["/a*"]],
    ["/a*bc", ["/a*c"]],
    ["/*a*b*", ["/*b*"]],
    ["/a*", ["/*"]],
    ["/a/**", ["/a", "/a/", "/a/*", "/a/*/**"]],
    ["/a/**", ["/a", "/a/*/**", "/a/"]],
    ["/**", ["/", "/*/**"]],
    ["/*", ["/a*", "/*"]],
    ["/a%20b", ["/a*b"]],
    ["/a%20*", ["/a%20*"]],
    ["/**/**", ["/**"]],
    ["/a*/x", ["/ab*/x", "/a*/*"]],
  ])("%s ⊆ %j", (narrower, wider) => {
    expect(isIncluded(narrower, wider)).toBe(true);
  });

  test.each<[string, string[]]>([
    ["/*", ["/a"]],
    ["/**", ["/*", "/*/*"]],
    ["/a", ["/b"]],
    ["/a", []],
    ["/a/", ["/a"]],
    ["/a/", ["/a/*"]],
    ["/a/**", ["/a/*/**"]],
    ["/a*", ["/ab*", "/ac*"]],
    ["/a/*/b", ["/a/x/b"]],
    ["/**/b", ["/a/**/b"]],
    ["/*a*", ["/a*", "/*a"]],
    ["/*/*", ["/a/*", "/*/b"]],
    ["/a%20", ["/a%20b"]],
    ["/a*0", ["/a%20"]],
    ["/a%20", ["/a*0"]],
    ["/*/x", ["/**/x/**/x", "/x*/**"]],
  ])("%s ⊄ %j", (narrower, wider) => {
    expect(isIncluded(narrower, wider)).toBe(false);
  });
});

const word = (units: readonly string[], maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...units), maxLength });
const anyPattern = fc
  .array(
    fc.oneof(
      fc.constant("**"),
      word(["a", "b", "*"], 3).map((text) => text.replaceAll(/\*+/g, "*")),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((segments) => `/${segments.join("/")}`)
  .filter((text) => parsePathPattern(text).ok);

/** What wildcards stand for; "c" is what no pattern names. */
const TEXTS = ["", "c", "a", "b", "cc", "aca"];
const RUNS = [[], ["c"], ["a"], ["b"], ["c", "c"], ["c", "c", "c"]];

/** Many of the paths that a pattern matches, by its definition and not by the code under test. */
function examples(text: string): string[] {
  let made: string[] = [""];
  for (const segment of text.slice(1).split("/")) {
    const choices =
      segment === "**" ? RUNS.map((run) => run.map((name) => `/${name}`).join("")) : textsOf(segment);
    made = made.flatMap((start) => choices.map((choice) => start + choice));
  }
  return text.endsWith("/**") ? [...made, ...made.map((path) => `${path}/`)] : made;
}

function textsOf(segment: string): string[] {
  const [first = "", ...pieces] = segment.split("*");
  let made = [`/${first}`];
  for (const piece of pieces) made = made.flatMap((start) => TEXTS.map((fill) => start + fill + piece));
  return segment === "*" ? made.filter((path) => path !== "/") : made;
}

test("it says so exactly if no path tells the two apart", () => {
  let included = 0;
  fc.assert(
    fc.property(anyPattern, fc.array(anyPattern, { maxLength: 3 }), (narrower, wider) => {
      const matches = createPathMatcher(pattern(narrower));
      const matchers = wider.map((text) => createPathMatcher(pattern(text)));
      const witness = examples(narrower).find((raw) => {
        const path = readRequestPath(raw);
        if (!path.ok) return false;
        expect(matches(path.segments)).toBe(true);
        return !matchers.some((matcher) => matcher(path.segments));
      });
      const answer = isIncluded(narrower, wider);
      if (answer) included += 1;
      expect({ narrower, wider, answer }).toEqual({ narrower, wider, answer: witness === undefined });
    }),
    { numRuns: 1000 },
  );
  expect(included).toBeGreaterThan(60);
});

test("what costs too much to compare is not included, and soon", () => {
  const hard = `/${"a*".repeat(100)}`;
  const wide = Array.from({ length: 40 }, (_, index) =>
    `/*a${"*b".repeat(index + 1)}*${"*c".repeat(40)}`.replaceAll(/\*+/g, "*"),
  );
  const took = cpuMilliseconds(() => {
    expect(isIncluded(hard, wide)).toBe(false);
  });
  expect(isIncluded("/*b*a*b*a*", ["/*a*a*"], 1)).toBe(false);
  expect(isIncluded("/*b*a*b*a*", ["/*a*a*"])).toBe(true);
  expect(took).toBeLessThan(5000);
});

describe("a comparison is charged for what it reads", () => {
  /** Whether it is included, and the steps that this takes of so many. */
  const compare = (narrower: string, wider: readonly string[], steps: number): [boolean, number] => {
    const budget = { steps };
    const answer = isPatternIncluded(pattern(narrower), wider.map(pattern), budget);
    return [answer, steps - budget.steps];
  };
  const many = Array.from({ length: 39 }, (_, index) => `/${String(index)}`);

  test("for each pattern once to know it, once more to look at its segments", () => {
    expect(compare("/7", [...many, "/*"], 1000)).toEqual([true, 10]);
    expect(compare("/x", [...many, "/*"], 1000)).toEqual([true, 20]);
    expect(compare("/x", [...many, "/*"], 19)).toEqual([false, 20]);
  });

  test("for each character before it is searched, and for each step of the search", () => {
    const [narrower, wider] = [`/${"a".repeat(200)}*b*c`, [`/${"a".repeat(100)}*c`]];
    const [isWithin, took] = compare(narrower, wider, 10_000);
    expect(isWithin).toBe(true);
    const read = (narrower.length + (wider[0] ?? "").length) / 2;
    expect(took).toBeGreaterThan(read + 2 * 200);
    expect(compare(narrower, wider, took)).toEqual([false, took]);
    for (const steps of [1, 60, read, read + 50]) {
      const [answer, spent] = compare(narrower, wider, steps);
      expect(answer).toBe(false);
      expect(spent).toBeLessThan(Math.max(read, steps) + 10);
    }
  });
});
