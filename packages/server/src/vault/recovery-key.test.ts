import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { deriveRecoverySecrets, formatRecoveryKey, parseRecoveryKey } from "./recovery-key.js";

const keys = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes));
const parse = (text: string) => parseRecoveryKey(new Secret(text));
const EXAMPLE = Buffer.from("000102030405060708090a0b0c0d0e0f10111213", "hex");
const EXAMPLE_TEXT = "000G-40R4-0M30-E209-185G-R38E-1W81-24GK-8NPE";

describe("a recovery key", () => {
  test("is printed as nine groups of four", () => {
    expect(formatRecoveryKey(EXAMPLE).reveal()).toBe(EXAMPLE_TEXT);
    fc.assert(
      fc.property(keys, (key) => {
        expect(formatRecoveryKey(key).reveal()).toMatch(
          /^(?:[0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]{4}$/,
        );
      }),
    );
  });

  test("is read back, however it was typed", () => {
    fc.assert(
      fc.property(keys, fc.boolean(), fc.constantFrom("", "-", " ", " - "), (key, isLower, separator) => {
        const printed = formatRecoveryKey(key).reveal().replaceAll("-", separator);
        expect(parse(isLower ? printed.toLowerCase() : printed)).toEqual(key);
        expect(parse(`\n ${printed}\t`)).toEqual(key);
        expect(parse(printed.replaceAll("0", "o").replaceAll("1", "l"))).toEqual(key);
        expect(parse(printed.replaceAll("0", "O").replaceAll("1", "I"))).toEqual(key);
      }),
    );
  });

  test("is not read with one character changed, left out, doubled or swapped with the next", () => {
    const other = (character: string) => (character === "7" ? "8" : "7");
    const text = EXAMPLE_TEXT.replaceAll("-", "");
    for (let at = 0; at < text.length; at += 1) {
      const [before, character, after] = [text.slice(0, at), text.charAt(at), text.slice(at + 1)];
      const swapped = before + after.charAt(0) + character + after.slice(1);
      for (const typo of [
        before + other(character) + after,
        before + after,
        before + character + character + after,
        ...(swapped === text ? [] : [swapped]),
      ]) {
        expect(parse(typo), typo).toBeUndefined();
      }
    }
  });

  test("is none in any other text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9A-Z]{36}$/)), (text) => {
        expect(parse(text)).toBeUndefined();
      }),
    );
    expect(parse(EXAMPLE_TEXT.replace("G", "U"))).toBeUndefined();
  });

  test("gives other secrets for another vault", () => {
    const one = deriveRecoverySecrets(EXAMPLE, Buffer.alloc(16, 1));
    const other = deriveRecoverySecrets(EXAMPLE, Buffer.alloc(16, 2));
    expect(deriveRecoverySecrets(EXAMPLE, Buffer.alloc(16, 1))).toEqual(one);
    expect(other.publicKey).not.toEqual(one.publicKey);
    expect(other.psk).not.toEqual(one.psk);
    expect(one.psk).not.toEqual(one.privateKey);
  });
});
