import fc from "fast-check";
import { expect, test } from "vitest";

import { closestNames } from "./closest-names.js";

const NAMES = ["openai", "anthropic", "github", "gitlab", "google-gemini", "mistral"];

test.each([
  ["opnai", ["openai"]],
  ["OpenAI", ["openai"]],
  ["gemini", ["google-gemini"]],
  ["githib", ["github", "gitlab"]],
  ["antropic", ["anthropic"]],
  ["stripe", []],
  ["", []],
])("%j may mean %j", (written, expected) => {
  expect(closestNames(written, NAMES)).toEqual(expected);
});

test("a name itself comes first, and never more than three come", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1 }), (names) => {
      const [written = ""] = names;
      const found = closestNames(written, names);
      expect(found.length).toBeLessThanOrEqual(3);
      expect(found[0]?.toLowerCase()).toContain(written.toLowerCase());
    }),
  );
});
