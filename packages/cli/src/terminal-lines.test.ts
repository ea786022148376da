import fc from "fast-check";
import { expect, test } from "vitest";

import { terminalLines } from "./terminal-lines.js";

test("a long line is broken between words, and goes on below its own beginning", () => {
  expect(terminalLines("one two three", 9)).toBe("one two\nthree");
  expect(terminalLines("  one two three", 9)).toBe("  one two\n  three");
  expect(terminalLines("ok    one two three", 14, 6)).toBe("ok    one two\n      three");
});

test("what fits, what has no space and what is for no terminal stays as it is", () => {
  expect(terminalLines("ab  cd", 6)).toBe("ab  cd");
  expect(terminalLines("see https://a.example/long", 10)).toBe("see\nhttps://a.example/long");
  expect(terminalLines("one two three", undefined)).toBe("one two three");
});

test("colours take no room", () => {
  expect(terminalLines("\u001b[31merror:\u001b[39m one", 10)).toBe("\u001b[31merror:\u001b[39m one");
});

test("no word is lost or broken, and no line is longer than it must be", () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 30 }), (given, columns) => {
      const lines = terminalLines(given.join(" "), columns).split("\n");
      expect(lines.join(" ").split(" ")).toEqual(given);
      expect(lines.every((line) => line.length <= columns || !line.includes(" "))).toBe(true);
    }),
  );
});
