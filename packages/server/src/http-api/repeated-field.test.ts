import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { holdsRepeatedField } from "./repeated-field.js";

describe("a field is named twice in", () => {
  test.each([
    '{"a":1,"a":2}',
    '{"a":{"b":1},"c":[],"a":2}',
    '{"a":1,"b":2,"c":3,"b":4}',
    '[[{"x":{"a":1 , "a" : 2}}]]',
    '{"policy":"ro","\\u0070olicy":{}}',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"a\\"":1,"a\\u0022":2}',
  ])("%s", (json) => {
    expect(JSON.parse(json)).toBeDefined();
    expect(holdsRepeatedField(json)).toBe(true);
  });

  test.each([
    "{}",
    '"a"',
    '{"a":"a","b":"a"}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":["a","a","a"],"b":{"a":1}}',
    '{"a":"{\\"a\\":1,","b":"\\\\","A":1}',
  ])("but not in %s", (json) => {
    expect(JSON.parse(json)).toBeDefined();
    expect(holdsRepeatedField(json)).toBe(false);
  });
});

test("no field of any value is named twice, until one is", () => {
  fc.assert(
    fc.property(fc.json(), fc.string(), (json, name) => {
      expect(holdsRepeatedField(json)).toBe(false);
      const twice = `{${JSON.stringify(name)}:${json},${JSON.stringify(name)}:1}`;
      expect(holdsRepeatedField(`[${json},${twice}]`)).toBe(true);
    }),
  );
});

test("a megabyte of brackets or names takes no time to speak of", () => {
  const deep = `${'{"a":'.repeat(170_000)}1${"}".repeat(170_000)}`;
  const wide = `{${Array.from({ length: 80_000 }, (_, index) => `"name${index}":1`).join(",")}}`;
  const started = performance.now();
  expect(holdsRepeatedField(deep)).toBe(false);
  expect(holdsRepeatedField(wide)).toBe(false);
  expect(performance.now() - started).toBeLessThan(2000);
});
