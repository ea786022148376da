import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { credentialParts } from "./credential-parts.js";

const KEY = "ghp_16C7e42F292c6912E7710c83";
const partsOf = (value: string) => credentialParts(new Secret(value)).map((part) => part.reveal());

describe("the credentials in a header field value", () => {
  test.each([
    [`token ${KEY}`, [KEY]],
    [`Bot  ${KEY}`, [KEY]],
    [`SSWS ${KEY}`, [KEY]],
    [`GenieKey ${KEY}`, [KEY]],
    [`Token token=${KEY}`, [KEY]],
    [`Token token="${KEY}", email="someone@example.com"`, [KEY, "someone@example.com"]],
    [`session_id=${KEY}; theme=dark`, [KEY]],
    [`a=1;session_id = ${KEY},b=2`, [KEY]],
    [`Basic dXNlcjpwYXNzd29yZA==`, ["dXNlcjpwYXNzd29yZA"]],
    [`first-key-01 ${KEY} third-key-03`, [KEY, "third-key-03"]],
    [KEY, []],
    ["Bot 1234567", []],
    ["", []],
  ])("%s", (value, parts) => {
    expect(partsOf(value)).toEqual(parts);
  });

  test("are parts of it, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "Z", "=", ";", ",", " ", '"', "é") }), (value) => {
        for (const part of partsOf(value)) {
          expect(value).toContain(part);
          expect(part).toMatch(/^[^\s;,="]{8,}$/);
          expect(part).not.toBe(value);
        }
      }),
    );
  });

  test("are found fast in a long value", () => {
    for (const unit of ["a", "a ", "a =", "=", " ", ";a", "\t="]) {
      const started = performance.now();
      partsOf(unit.repeat(16_384 / unit.length));
      expect(performance.now() - started).toBeLessThan(200);
    }
  });
});
