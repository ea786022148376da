import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPathMatcher, parsePathPattern, type PathMatcher } from "./path-pattern.js";
import { POLICY_LIMITS } from "./policy-limits.js";
import { readRequestPath } from "./request-path.js";
import { naivelyMatches } from "./testing/naive-path-matcher.js";
import { cpuMilliseconds } from "./testing/cpu-milliseconds.js";

function compiled(pattern: string): PathMatcher {
  const parsed = parsePathPattern(pattern);
  if (!parsed.ok) throw new Error(parsed.reason);
  return createPathMatcher(parsed.pattern);
}

function matches(pattern: string, raw: string): boolean {
  const path = readRequestPath(raw);
  return path.ok && compiled(pattern)(path.segments);
}

describe("a pattern", () => {
  test.each([
    ["/", "/"],
    ["/", ""],
    ["/user", "/user"],
    ["/users/", "/users/"],
    ["/repos/*", "/repos/acme"],
    ["/repos/*/issues", "/repos/acme/issues"],
    ["/a*", "/a"],
    ["/a*c", "/abbc"],
    ["/*b*", "/abc"],
    ["/a*a", "/aa"],
    ["/*.json", "/x.json"],
    ["/*.json", "/.json"],
    ["/**", "/"],
    ["/**", ""],
    ["/**", "/a/b/c"],
    ["/repos/**", "/repos"],
    ["/repos/**", "/repos/"],
    ["/repos/**", "/repos/a/b"],
    ["/**/b", "/b"],
    ["/**/b", "/a/a/b"],
    ["/a/**/b", "/a/b"],
    ["/a/**/b", "/a/x/y/b"],
    ["/a/**/x/**/b", "/a/x/b"],
    ["/a/**/x/*/**/b", "/a/x/x/1/b"],
    ["/a/**/**/b", "/a/b"],
    ["/v/*", "/v/caf%C3%A9"],
    ["/v/caf%C3%A9", "/v/caf%C3%A9"],
    ["/v/*%20b", "/v/a%20b"],
  ])("%s matches %j", (pattern, raw) => {
    expect(matches(pattern, raw)).toBe(true);
  });

  test.each([
    ["/", "/a"],
    ["/user", "/user/"],
    ["/user", "/User"],
    ["/user", "/users"],
    ["/users/", "/users"],
    ["/user", "/%75ser"],
    ["/repos/*", "/repos"],
    ["/repos/*", "/repos/"],
    ["/repos/*", "/repos/a/b"],
    ["/repos/**", "/repos2"],
    ["/*", "/"],
    ["/a*a", "/a"],
    ["/*b*b", "/xb"],
    ["/ab*ba", "/aba"],
    ["/*ab*ab*", "/aab"],
    ["/a*c", "/a/c"],
    ["/**/b", "/b/a"],
    ["/**/b", "/ab"],
    ["/a/**/b", "/a"],
    ["/a/*/b", "/a/b"],
    ["/a/**/x/**/b", "/a/b"],
    ["/a/b/**/b/c", "/a/b/c"],
    ["/v/caf%C3%A9", "/v/caf%c3%a9"],
    ["/v/*0*", "/v/a%20b"],
    ["/v/*0b", "/v/a%20b"],
  ])("%s does not match %j", (pattern, raw) => {
    expect(matches(pattern, raw)).toBe(false);
  });

  test.each([
    ["is empty", ""],
    ["begins without a slash", "repos/*"],
    ["holds ** beside something else", "/repos/a**"],
    ["holds three asterisks", "/***"],
    ["holds a dot segment", "/a/../b"],
    ["holds an escaped dot segment", "/a/%2e%2e"],
    ["holds an empty segment", "/a//b"],
    ["holds a query", "/a?b=c"],
    ["splits an escape", "/a%2*"],
    ["splits a character", "/a%C3*"],
    ["holds a path parameter", "/a;b"],
    ["holds an escaped slash", "/a%2Fb"],
    ["is not ASCII", "/caf\u00e9"],
    ["is too long", `/${"a".repeat(POLICY_LIMITS.patternCharacters)}`],
    ["has too many segments", "/a".repeat(POLICY_LIMITS.patternSegments + 1)],
  ])("is refused that %s", (_, text) => {
    expect(parsePathPattern(text)).toMatchObject({ ok: false });
  });
});

const letter = fc.constantFrom("a", "b", "2", "0");
const escape = fc.constantFrom("%20", "%C3%A9", "%c3%a9", "%61", "%7E");
const pathSegment = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: letter, maxLength: 5 }) },
  {
    weight: 1,
    arbitrary: fc.array(fc.oneof(letter, escape), { maxLength: 4 }).map((parts) => parts.join("")),
  },
);
const path = fc
  .array(pathSegment, { minLength: 1, maxLength: 6 })
  .map((segments) => `/${segments.join("/")}`);
const patternSegment = fc.oneof(
  { weight: 2, arbitrary: fc.constant("**") },
  { weight: 2, arbitrary: fc.constant("*") },
  {
    weight: 4,
    arbitrary: fc
      .array(fc.oneof(letter, fc.constant("*"), escape), { maxLength: 5 })
      .map((parts) => parts.join("").replaceAll(/\*+/g, "*")),
  },
);
const pattern = fc
  .array(patternSegment, { minLength: 1, maxLength: 6 })
  .map((segments) => `/${segments.join("/")}`)
  .filter((text) => parsePathPattern(text).ok);

/** A path made from a pattern, so that it matches or nearly does. */
const near = (text: string): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(letter, escape, fc.constant("/"), fc.constant("")), { minLength: 20, maxLength: 20 })
    .map((fill) => {
      let index = 0;
      return text.replaceAll(/\*+/g, () => fill[index++ % fill.length] ?? "");
    });

test("a naive matcher, both on the path as sent and on the decoded one, agrees wherever no escape is involved", () => {
  let matched = 0;
  fc.assert(
    fc.property(
      pattern.chain((text) => fc.tuple(fc.constant(text), fc.oneof(path, near(text)))),
      ([text, raw]) => {
        const read = readRequestPath(raw);
        const isMatch = matches(text, raw);
        if (isMatch) matched += 1;
        const naive =
          naivelyMatches(text, raw) && naivelyMatches(decodeURIComponent(text), decodeURIComponent(raw));
        if (raw.includes("%")) expect(isMatch && !naive).toBe(false);
        else expect(isMatch).toBe(read.ok && naive);
      },
    ),
    { numRuns: 8000 },
  );
  expect(matched).toBeGreaterThan(800);
});

test("an escape counts as one character that a wildcard takes whole", () => {
  fc.assert(
    fc.property(
      pattern.chain((text) => fc.tuple(fc.constant(text), near(text))),
      ([text, raw]) => {
        // The same with a letter in place of each escape, which a naive matcher cannot split.
        const names = new Map<string, string>();
        const withoutEscapes = (value: string): string =>
          value.replaceAll(/%../g, (found) => {
            if (!names.has(found)) names.set(found, String.fromCharCode(0x3b1 + names.size));
            return names.get(found) ?? "";
          });
        const naive = naivelyMatches(withoutEscapes(text), withoutEscapes(raw));
        expect(matches(text, raw)).toBe(readRequestPath(raw).ok && naive);
      },
    ),
    { numRuns: 5000 },
  );
});

test("no pattern makes matching slow", () => {
  const longest = POLICY_LIMITS.pathBytes - 1;
  const fill = (unit: string, length: number): string => unit.repeat(Math.floor(length / unit.length));
  const attacks: [string, string][] = [
    [`/${fill("a*", 500)}b`, `/${"a".repeat(longest)}`],
    [`/*${"a".repeat(250)}b*${"a".repeat(250)}c*`, `/${"a".repeat(longest)}`],
    [`${fill("/**/a", 150)}/b`, fill("/a", longest)],
    [`/**${fill("/*a*", 240)}/b/**`, fill("/a", longest)],
    [`/**${fill("/*", 120)}/b/**`, fill("/a", longest)],
    ["/**/*a*a*a*a*a*a*a*b/**", fill("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", longest)],
  ];
  for (const [text, raw] of attacks) {
    const read = readRequestPath(raw);
    if (!read.ok) throw new Error(read.reason);
    const matcher = compiled(text);
    const took = cpuMilliseconds(() => {
      for (let round = 0; round < 10; round += 1) expect(matcher(read.segments)).toBe(false);
    });
    expect(took / 10).toBeLessThan(20);
  }
});
