import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { scrubBytes, scrubText } from "./scrub-text.js";
import { compilePatterns, compileSecretMatcher } from "./secret-matcher.js";
import { naiveScrub } from "./testing/naive-scrub.js";

const matcher = compileSecretMatcher([{ secret: new Secret("my secret/kéy") }]);

describe("a scrubbed text", () => {
  test("has the secret overwritten in each of its forms, and its length", () => {
    const text = `https://api.test/?a=${encodeURIComponent("my secret/kéy")}&b=my+secret%2Fk%c3%a9y;`;
    expect(scrubText(matcher, text)).toEqual({
      text: `https://api.test/?a=${"*".repeat(22)}&b=my+secret%2Fk%c3%a9y;`,
      hits: 1,
    });
  });

  test("has the secret overwritten whether the field carried it as Latin-1 or as UTF-8", () => {
    expect(scrubText(matcher, "x my secret/kéy x").text).toBe("x ************* x");
    const utf8 = Buffer.from("x my secret/kéy x").toString("latin1");
    expect(scrubText(matcher, utf8).text).toBe("x ************** x");
  });

  test("counts what is connected once", () => {
    const overlapping = compilePatterns([Buffer.from("aabaab"), Buffer.from("baabaa")]);
    expect(scrubText(overlapping, "aabaabaa aabaab")).toEqual({ text: "******** ******", hits: 2 });
  });

  test("is the text itself if there was nothing, whatever its characters", () => {
    expect(scrubText(matcher, "déjà vu")).toEqual({ text: "déjà vu", hits: 0 });
    const bytes = Buffer.from("nothing");
    expect(scrubBytes(matcher, bytes).bytes).toBe(bytes);
  });

  test("leaves the bytes it was given alone", () => {
    const bytes = Buffer.from("x my secret/kéy x");
    scrubBytes(matcher, bytes);
    expect(bytes.toString()).toBe("x my secret/kéy x");
  });

  test("is what a naive search makes of it", () => {
    const ab = (minLength: number, maxLength: number): fc.Arbitrary<Buffer> =>
      fc.string({ unit: fc.constantFrom("a", "b"), minLength, maxLength }).map((text) => Buffer.from(text));
    fc.assert(
      fc.property(fc.array(ab(3, 9), { minLength: 1, maxLength: 4 }), ab(0, 100), (patterns, bytes) => {
        const naive = naiveScrub(bytes, patterns).toString();
        const { text, hits } = scrubText(compilePatterns(patterns), bytes.toString());
        expect(text).toBe(naive);
        expect(hits).toBeGreaterThanOrEqual(naive.match(/\*+/g)?.length ?? 0);
      }),
    );
  });
});
