import { expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { scrubText } from "../scrubbing/scrub-text.js";
import { compileAnswerMatcher } from "./answer-matcher.js";

const compiled = (...secrets: string[]) =>
  compileAnswerMatcher(secrets.map((secret) => ({ secret: new Secret(secret) })));

test("a secret under 8 characters is searched for nowhere: whoever can have text echoed could try them all", () => {
  expect(compiled("1234", "1234567", "geheim").longestPattern).toBe(0);
  expect(scrubText(compiled("1234567", "12345678"), "1234567 12345678").text).toBe("1234567 ********");
});

test("a secret is found as it is sent, escaped once more", () => {
  const secret = "k/ey+with=\"signs'0123";
  const matcher = compiled(secret);
  for (const sent of [JSON.stringify({ secret }), encodeURIComponent(secret), `/path/${secret}`]) {
    for (const echoed of [sent, JSON.stringify({ sent }), encodeURIComponent(sent)]) {
      expect(scrubText(matcher, echoed).hits).toBe(1);
    }
  }
});
