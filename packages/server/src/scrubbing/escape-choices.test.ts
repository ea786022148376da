import { expect, test } from "vitest";
import { escapeChoices, rewritten } from "./escape-choices.js";

test("encoders that escape the same of a text are one, and those that escape nothing of it none", () => {
  const choices = escapeChoices("a+b/c+", [/[+]/, /[+=]/, /[/]/, /[^a-z]/, /[=]/, /[a-z]/]);
  expect(choices.map((chosen) => [...chosen].join(""))).toEqual(["+", "/", "+/"]);
});

test("every unit but letters and digits is written anew, and asked for once", () => {
  const asked: string[] = [];
  const text = rewritten("a+😀é+", (unit) => {
    asked.push(unit);
    return `<${unit.charCodeAt(0).toString(16)}>`;
  });
  expect(text).toBe("a<2b><d83d><de00><e9><2b>");
  expect(asked).toHaveLength(4);
});
