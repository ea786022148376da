import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitInline } from "./inline-command.js";

const words = (line: string): string[] | undefined =>
  splitInline(Buffer.from(line, "latin1"))?.map((word) => word.toString("latin1"));

describe("a line of words", () => {
  test.each([
    ["", []],
    [" \t ", []],
    ["AUTH secret", ["AUTH", "secret"]],
    ["  AUTH\tsecret  ", ["AUTH", "secret"]],
    ['AUTH "two words"', ["AUTH", "two words"]],
    ["AUTH 'two words'", ["AUTH", "two words"]],
    [String.raw`AUTH "\x41\xfF\n\r\t\b\a\"\\\q"`, ["AUTH", 'A\xff\n\r\t\b\x07"\\q']],
    [String.raw`AUTH "\x4"`, ["AUTH", "x4"]],
    [String.raw`AUTH 'it\'s \n'`, ["AUTH", String.raw`it's \n`]],
    ['AUTH ""', ["AUTH", ""]],
    ["AUTH ''", ["AUTH", ""]],
    ['pre"fixed"', ["prefixed"]],
    ["AUTH a\0b c", ["AUTH", "a"]],
    ["AUTH \0b c", ["AUTH"]],
  ])("%j is split as Redis does", (line, expected) => {
    expect(words(line)).toEqual(expected);
  });

  test.each(['AUTH "open', "AUTH 'open", 'AUTH "a"b', "AUTH 'a'b", String.raw`AUTH "a\"`, 'AUTH "'])(
    "%j is broken",
    (line) => {
      expect(words(line)).toBeUndefined();
    },
  );

  test("any bytes come back when they are quoted", () => {
    const quoted = (bytes: Uint8Array): string =>
      `"${[...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}"`;
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 5 }), (given) => {
        const line = Buffer.from(given.map(quoted).join(" "));
        expect(splitInline(line)).toEqual(given.map((bytes) => Buffer.from(bytes)));
      }),
    );
  });

  test("any line at all is split or broken, and every word is part of it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const line = Buffer.from(bytes);
        const total = splitInline(line)?.reduce((sum, word) => sum + word.length, 0) ?? 0;
        expect(total).toBeLessThanOrEqual(line.length);
      }),
    );
  });
});
