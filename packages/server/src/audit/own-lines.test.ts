import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { fileHeader, parseFileHeader } from "./own-lines.js";

const header = JSON.parse(`{${fileHeader(7, randomBytes)}}`) as Record<string, unknown>;

test("the header of a file is read as it was written", () => {
  expect(parseFileHeader(header)).toEqual({ format: 1, file: header.file, oldest: 7 });
});

test.each<[string, object, unknown]>([
  ["of a later version", { format: 2, file: undefined }, "newer"],
  ["without a version", { format: undefined }, undefined],
  ["of no version", { format: "1" }, undefined],
  ["of an earlier version, which there is none", { format: 0 }, undefined],
  ["without an id", { file: undefined }, undefined],
  ["with a number for an id", { file: 1 }, undefined],
  ["without its oldest line", { oldest: undefined }, undefined],
  ["with half a line", { oldest: 1.5 }, undefined],
])("a header %s is none", (_, change, expected) => {
  expect(parseFileHeader({ ...header, ...change })).toBe(expected);
});
