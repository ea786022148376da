import fc from "fast-check";
import { parseList } from "structured-headers";
import { expect, test } from "vitest";
import { rateLimitFields, type Quota } from "./rate-limit-fields.js";

test("the fields name each quota with its unit and window, and what is left of it", () => {
  expect(
    rateLimitFields([
      { name: "requests", limit: 60, remaining: 12, windowSeconds: 60, resetSeconds: 31 },
      { name: "concurrent", limit: 8, remaining: 0 },
      { name: "uses", limit: 1000, remaining: 1 },
      { name: "bytes", limit: 1e9, remaining: 5e8, windowSeconds: 86_400, resetSeconds: 4000 },
      { name: "cooldown", limit: 1, remaining: 0, windowSeconds: 300, resetSeconds: 299 },
    ]),
  ).toEqual({
    "RateLimit-Policy":
      '"requests";q=60;w=60, "concurrent";q=8;qu="concurrent-requests", "uses";q=1000, ' +
      '"bytes";q=1000000000;qu="content-bytes";w=86400, "cooldown";q=1;w=300',
    RateLimit:
      '"requests";r=12;t=31, "concurrent";r=0, "uses";r=1, "bytes";r=500000000;t=4000, "cooldown";r=0;t=299',
  });
});

test("a token without limits has no fields", () => {
  expect(rateLimitFields([])).toBeUndefined();
});

test("of limits with one name the one that leaves least stands there, and of those the one for longest", () => {
  expect(
    rateLimitFields([
      { name: "uses", limit: 10, remaining: 3 },
      { name: "requests", limit: 60, remaining: 0, windowSeconds: 60, resetSeconds: 20 },
      { name: "uses", limit: 50, remaining: 2 },
      { name: "requests", limit: 90, remaining: 0, windowSeconds: 60, resetSeconds: 21 },
      { name: "requests", limit: 70, remaining: 1, windowSeconds: 60, resetSeconds: 59 },
    ]),
  ).toEqual({
    "RateLimit-Policy": '"uses";q=50, "requests";q=90;w=60',
    RateLimit: '"uses";r=2, "requests";r=0;t=21',
  });
});

const count = fc.nat(999_999_999_999_999);
const anyQuota: fc.Arbitrary<Quota> = fc.record(
  {
    name: fc.constantFrom("requests", "concurrent", "uses", "bytes", "cooldown"),
    limit: count,
    remaining: count,
    windowSeconds: fc.integer({ min: 1, max: 86_400 }),
    resetSeconds: fc.nat(86_400),
  },
  { requiredKeys: ["name", "limit", "remaining"] },
);

/** Its own types name one of browsers, which Node's lack. */
type Items = readonly (readonly [unknown, ReadonlyMap<string, unknown>])[];

test("a reader of structured fields finds each name once, with the parameters of the draft", () => {
  fc.assert(
    fc.property(fc.array(anyQuota, { minLength: 1, maxLength: 8 }), (quotas) => {
      const fields = rateLimitFields(quotas);
      const policies: Items = parseList(fields?.["RateLimit-Policy"] ?? "");
      const limits: Items = parseList(fields?.RateLimit ?? "");
      const names = [...new Set(quotas.map(({ name }) => name))];
      expect(policies.map(([name]) => name)).toEqual(names);
      expect(limits.map(([name]) => name)).toEqual(names);
      for (const [index, [name, parameters]] of policies.entries()) {
        const [, left] = limits[index] ?? [];
        expect(quotas).toContainEqual({
          ...{ name, limit: parameters.get("q"), remaining: left?.get("r") },
          ...(parameters.has("w") ? { windowSeconds: parameters.get("w") } : {}),
          ...(left?.has("t") === true ? { resetSeconds: left.get("t") } : {}),
        });
        expect(parameters.get("qu")).toBe(
          { concurrent: "concurrent-requests", bytes: "content-bytes" }[String(name)],
        );
      }
    }),
  );
});
