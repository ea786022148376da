import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { decodeRecord, encodeRecord, freezeRecord } from "./record-codec.js";

const leaf = fc.oneof(
  fc.string(),
  fc.boolean(),
  fc.constant(null),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
  fc.string().map((value) => new Secret(value)),
);

const key = fc.oneof(
  fc.string(),
  fc.constantFrom("$secret", "$$secret", "$", "__proto__", "constructor", "toJSON"),
);

const { record } = fc.letrec<{ value: unknown; record: object }>((tie) => ({
  value: fc.oneof({ depthSize: "small", withCrossShrink: true }, leaf, fc.array(tie("value")), tie("record")),
  record: fc.array(fc.tuple(key, tie("value"))).map((entries) => Object.fromEntries(entries)),
}));

/** Shows secrets, so that two records can be compared with what is in them. */
function revealed(value: unknown): unknown {
  if (value instanceof Secret) return ["a secret", value.reveal()];
  if (Array.isArray(value)) return ["an array", ...value.map(revealed)];
  if (typeof value !== "object" || value === null) return value;
  return ["an object", Object.entries(value).map(([name, item]) => [name, revealed(item)])];
}

describe("a record", () => {
  test("comes back as it was written, secrets and property names of every kind included", () => {
    fc.assert(
      fc.property(record, (original) => {
        const read = decodeRecord(JSON.parse(encodeRecord(original)));
        expect(revealed(read)).toEqual(revealed(original));
        expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
      }),
    );
  });

  test("writes a secret in clear, for the text is sealed, and reads it as one that cannot be printed", () => {
    const text = encodeRecord({ token: new Secret("s3cret") });
    expect(text).toBe('{"token":{"$secret":"s3cret"}}');
    expect(inspect(decodeRecord(JSON.parse(text)))).not.toContain("s3cret");
  });

  test("with a plain object that looks like a secret stays a plain object", () => {
    const read = decodeRecord(JSON.parse(encodeRecord({ a: { $secret: "x" }, b: { $$secret: "y" } })));
    expect(read).toEqual({ a: { $secret: "x" }, b: { $$secret: "y" } });
  });

  test("leaves out properties without a value", () => {
    expect(encodeRecord({ a: undefined, b: 1 })).toBe('{"b":1}');
  });

  test.each<[string, object]>([
    ["a date", { at: new Date(0) }],
    ["a map", { map: new Map() }],
    ["bytes", { bytes: Buffer.alloc(1) }],
    ["a function", { call: () => 1 }],
    ["a bigint", { big: 1n }],
    ["NaN", { number: Number.NaN }],
    ["a hole", { list: [undefined] }],
  ])("with %s is refused", (_, odd) => {
    expect(() => encodeRecord(odd)).toThrow(TypeError);
  });

  test("that is nested without end is refused", () => {
    const loop: { self?: object } = {};
    loop.self = loop;
    expect(() => encodeRecord(loop)).toThrow(/nested too deeply/);
    expect(() => decodeRecord(JSON.parse(`${'{"a":'.repeat(100)}1${"}".repeat(100)}`))).toThrow(
      /nested too deeply/,
    );
  });

  test.each(['{"$unknown":1}', '{"$secret":1}', '{"$secret":"a","b":1}', "1", "null", '"text"'])(
    "of the JSON %s is refused",
    (json) => {
      expect(() => decodeRecord(JSON.parse(json))).toThrow(TypeError);
    },
  );

  test("is frozen all through", () => {
    const made = Object.freeze({ a: { b: [{ c: 1 }] } });
    freezeRecord(made);
    for (const one of [made, decodeRecord({ a: { b: [{ c: 1 }] } }) as typeof made]) {
      expect(() => (one.a.b[0]!.c = 2)).toThrow(TypeError);
      expect(() => one.a.b.push({ c: 3 })).toThrow(TypeError);
    }
  });
});
