import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { assertNotMistyped, looksLikeRecoveryKey } from "./recovery-key-form.js";

/** Of the key bytes 0, 1, … 19. */
const KEY = "000G-40R4-0M30-E209-185G-R38E-1W81-24GK-8NPE";

const mistyped = (typed: string) => expect(assertNotMistyped(typed), typed).rejects.toThrow("mistyped");

describe("a recovery key", () => {
  test.each([KEY, KEY.toLowerCase(), KEY.replaceAll("-", " "), ` ${KEY} `, KEY.replaceAll("0", "O")])(
    "typed as %s is right, or not known to be wrong",
    async (typed) => {
      await assertNotMistyped(typed);
    },
  );

  test("with a character wrong, too many or too few is mistyped", async () => {
    await mistyped(KEY.replace("40R4", "40R5"));
    await mistyped(KEY.replace("40R4", "4R04"));
    await mistyped(KEY.replace("40R4", "40R"));
    await mistyped(KEY.replace("40R4", "40R44"));
    await mistyped(KEY.replace("40R4", "40RU"));
  });
});

test.each([
  "correct horse battery staple",
  "that fish swam back here with more cold rain",
  "123e4567-e89b-12d3-a456-426614174000",
  "da39a3ee5e6b4b0d3255bfef95601890afd80709",
  KEY.replaceAll("-", "").replace("R", "S"),
  "000G-40R4-0M30-E209-185G-R38E-1W81-24GK",
  "000G-40R4-0M30-E209-185G-R38E-1W81-24GK-8N!E",
  "",
])("%j may be a password", async (typed) => {
  expect(looksLikeRecoveryKey(typed)).toBe(false);
  await assertNotMistyped(typed);
});

test("no password that a person or a generator makes is taken for one", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.uuid(), fc.base64String(), fc.stringMatching(/^[0-9a-z]*$/)),
      (text) => {
        expect(looksLikeRecoveryKey(text)).toBe(false);
      },
    ),
  );
});
