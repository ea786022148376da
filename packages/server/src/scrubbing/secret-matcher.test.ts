import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { compilePatterns, compileSecretMatcher, ROOT, type SecretMatcher } from "./secret-matcher.js";
import { naiveDepth } from "./testing/naive-scrub.js";

/** End and length of every occurrence that is the longest at its end. */
function occurrences(matcher: SecretMatcher, text: Buffer, state = ROOT): string[] {
  const cursor = { state, position: 0 };
  const found: string[] = [];
  for (;;) {
    const length = matcher.findNext(text, cursor);
    if (length === 0) return found;
    found.push(`${length} ending at ${cursor.position}`);
  }
}

function naiveOccurrences(patterns: readonly Buffer[], text: Buffer): string[] {
  const found: string[] = [];
  for (let end = 1; end <= text.length; end += 1) {
    const lengths = patterns
      .filter((pattern) => pattern.length <= end && text.subarray(end - pattern.length, end).equals(pattern))
      .map((pattern) => pattern.length);
    if (lengths.length > 0) found.push(`${Math.max(...lengths)} ending at ${end}`);
  }
  return found;
}

function from(alphabet: string, size: { minLength: number; maxLength: number }): fc.Arbitrary<Buffer> {
  return fc
    .string({ unit: fc.constantFrom(...Array.from(alphabet)), ...size })
    .map((text) => Buffer.from(text));
}

describe("the automaton", () => {
  test.each([
    { alphabet: "ab", minLength: 3, maxLength: 9 },
    { alphabet: "ab", minLength: 8, maxLength: 20 },
    { alphabet: "abc", minLength: 5, maxLength: 8 },
    { alphabet: "abcdefgh", minLength: 3, maxLength: 5 },
  ])("finds what a naive search finds: $alphabet, $minLength to $maxLength", ({ alphabet, ...size }) => {
    fc.assert(
      fc.property(
        fc.array(from(alphabet, size), { maxLength: 6 }),
        from(alphabet, { minLength: 0, maxLength: 200 }),
        (patterns, text) => {
          expect(occurrences(compilePatterns(patterns), text)).toEqual(naiveOccurrences(patterns, text));
        },
      ),
      { numRuns: 400 },
    );
  });

  test("finds patterns of one and two bytes too", () => {
    const patterns = [Buffer.from("a"), Buffer.from("bc"), Buffer.from("bcdbcd")];
    const found = occurrences(compilePatterns(patterns), Buffer.from("a bcdbcdbc a"));
    expect(new Set(found)).toEqual(new Set(naiveOccurrences(patterns, Buffer.from("a bcdbcdbc a"))));
  });

  test("finds a pattern at every place of a long text, in which it skips", () => {
    const pattern = Buffer.from("0123456789abcdefXYZ");
    const matcher = compilePatterns([pattern]);
    for (let at = 0; at < 60; at += 1) {
      const text = Buffer.alloc(80, "-");
      pattern.copy(text, at);
      expect(occurrences(matcher, text)).toEqual(naiveOccurrences([pattern], text));
    }
  });

  test("knows exactly how much of a pattern the text ends with", () => {
    fc.assert(
      fc.property(
        fc.array(from("ab", { minLength: 3, maxLength: 12 }), { maxLength: 5 }),
        from("ab", { minLength: 0, maxLength: 60 }),
        (patterns, text) => {
          const matcher = compilePatterns(patterns);
          const cursor = { state: ROOT, position: 0 };
          while (matcher.findNext(text, cursor) !== 0);
          expect(matcher.depth(cursor.state)).toBe(naiveDepth(text, patterns));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("expects nothing more of patterns that have ended", () => {
    const matcher = compilePatterns([Buffer.from("xabc"), Buffer.from("abc"), Buffer.from("c-d")]);
    const cursor = { state: ROOT, position: 0 };
    expect(matcher.findNext(Buffer.from("xabc"), cursor)).toBe(4);
    expect(matcher.depth(cursor.state)).toBe(1);
  });

  test("goes on where an earlier chunk ended", () => {
    const matcher = compilePatterns([Buffer.from("secret-of-some-length")]);
    const cursor = { state: ROOT, position: 0 };
    expect(matcher.findNext(Buffer.from("... secret-of-"), cursor)).toBe(0);
    expect(occurrences(matcher, Buffer.from("some-length ..."), cursor.state)).toEqual(["21 ending at 11"]);
  });

  test("refuses patterns that its tables cannot hold", () => {
    expect(() => compilePatterns([Buffer.alloc(0)])).toThrow(RangeError);
    expect(() => compilePatterns([Buffer.alloc(256)])).toThrow(RangeError);
    expect(compilePatterns([Buffer.alloc(255)]).longestPattern).toBe(255);
  });

  test("without patterns finds nothing", () => {
    const matcher = compilePatterns([]);
    expect(occurrences(matcher, Buffer.from("some text that is longer than a window"))).toEqual([]);
    expect(matcher.longestPattern).toBe(0);
  });
});

describe("the matcher of a service's secrets", () => {
  test("has the forms of each, of a pair only Base64, and none of a short one", () => {
    const matcher = compileSecretMatcher([
      { secret: new Secret("first-secret") },
      { secret: new Secret("user:password"), forms: "base64" },
      { secret: new Secret("short") },
    ]);
    const isFound = (text: string): boolean => occurrences(matcher, Buffer.from(text)).length > 0;
    expect(isFound("x first-secret x")).toBe(true);
    expect(isFound(`Basic ${Buffer.from("user:password").toString("base64")}`)).toBe(true);
    expect(isFound("user:password")).toBe(false);
    expect(isFound("short")).toBe(false);
  });

  test("stays small", () => {
    const secrets = Array.from({ length: 5 }, (_, i) => ({
      secret: new Secret(`${i}`.repeat(30) + "k/+Z".repeat(8)),
    }));
    expect(compileSecretMatcher(secrets).tableBytes).toBeLessThan(250_000);
  });
});

test("the bytes that lead to a state are the longest suffix of the text with which a pattern begins", () => {
  const patterns = fc.array(from("ab", { minLength: 1, maxLength: 9 }), { maxLength: 6 });
  fc.assert(
    fc.property(patterns, from("ab", { minLength: 0, maxLength: 40 }), (some, text) => {
      const matcher = compilePatterns(some);
      const cursor = { state: ROOT, position: 0 };
      while (matcher.findNext(text, cursor) !== 0);
      const prefix = matcher.prefix(cursor.state);
      expect(prefix).toHaveLength(matcher.depth(cursor.state));
      expect(text.subarray(text.length - prefix.length).equals(prefix)).toBe(true);
      expect(prefix.length === 0 || some.some((each) => each.indexOf(prefix) === 0)).toBe(true);
    }),
  );
});
