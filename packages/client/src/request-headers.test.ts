import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { hasHeader, headerPairs } from "./request-headers.js";

describe("headerPairs", () => {
  test("takes a record, pairs or Headers, and keeps repeats", () => {
    expect(headerPairs(undefined)).toEqual([]);
    expect(headerPairs({ "X-A": " 1 " })).toEqual([["X-A", "1"]]);
    expect(headerPairs(new Headers({ "X-A": "1" }))).toEqual([["x-a", "1"]]);
    expect(
      headerPairs([
        ["a", "1"],
        ["a", "2"],
      ]),
    ).toEqual([
      ["a", "1"],
      ["a", "2"],
    ]);
  });

  test("lets nothing pass that could end a line, and repeats no value", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.constantFrom("\r", "\n", "\u0000", "\u0100"),
        fc.string(),
        (left, bad, right) => {
          const value = `${left}${bad}${right}`;
          expect(() => headerPairs({ "x-a": value })).toThrow(
            "the value of the header x-a is not legal in HTTP",
          );
          expect(() => headerPairs({ [value]: "1" })).toThrow("a header's name is not legal in HTTP");
        },
      ),
    );
  });
});

test("hasHeader knows no letter case", () => {
  expect(hasHeader([["Content-Type", "x"]], "content-type")).toBe(true);
  expect(hasHeader([["x", "content-type"]], "content-type")).toBe(false);
});
