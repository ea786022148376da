import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { presentedTokens } from "./presented-tokens.js";

const TOKEN = `tok_${"aB3-_".repeat(9).slice(0, 43)}`;
const OTHER = `tok_${"Z".repeat(43)}`;
const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString("base64")}`;
const places = { headerNames: new Set(["x-own-key"]), queryNames: new Set(["key"]) };

const found = (headers: string[], query?: string) => [...presentedTokens(headers, query, places)];

describe("a token is found where an SDK puts its key", () => {
  test.each([
    ["Authorization", `Bearer ${TOKEN}`],
    ["authorization", `bearer ${TOKEN}`],
    ["AUTHORIZATION", `token ${TOKEN}`],
    ["Authorization", TOKEN],
    ["Authorization", `Token token="${TOKEN}"`],
    ["Authorization", basic(`${TOKEN}:`)],
    ["Authorization", basic(`user:${TOKEN}`)],
    ["Authorization", basic(`${TOKEN}:${TOKEN}`)],
    ["X-Vault-Token", TOKEN],
    ["x-api-key", TOKEN],
    ["X_Api_Key", TOKEN],
    ["api-key", TOKEN],
    ["x-goog-api-key", TOKEN],
    ["X-Own-Key", TOKEN],
    ["X_Own_Key", `Key ${TOKEN}`],
  ])("%s: %s", (name, value) => {
    expect(found(["Host", "x", name, value])).toEqual([TOKEN]);
  });

  test.each([`key=${TOKEN}`, `a=1&key=${TOKEN}&b`, `KEY=${TOKEN.replace("_", "%5F")}`])("?%s", (query) => {
    expect(found([], query)).toEqual([TOKEN]);
  });
});

describe("a token is not found", () => {
  test.each([
    ["in another header", ["X-Other", TOKEN]],
    ["in a cookie", ["Cookie", `t=${TOKEN}`]],
    ["as a part of a longer word", ["Authorization", `Bearer ${TOKEN}x`]],
    ["behind a word", ["Authorization", `Bearer x${TOKEN}`]],
    ["as a part of a basic user name", ["Authorization", basic(`x${TOKEN}:`)]],
    ["in an API key that is no token", ["Authorization", "Bearer sk-123"]],
  ])("%s", (_where, headers) => {
    expect(found(headers)).toEqual([]);
  });

  test("in another query parameter", () => {
    expect(found([], `other=${TOKEN}`)).toEqual([]);
  });
});

test("two different tokens are both seen, one repeated is one", () => {
  expect(found(["Authorization", `Bearer ${TOKEN}`, "x-api-key", OTHER])).toEqual([TOKEN, OTHER]);
  expect(found(["Authorization", `Bearer ${TOKEN}`, "x-api-key", TOKEN], `key=${TOKEN}`)).toEqual([TOKEN]);
});

test("nothing that is found lacks the form of a token, whatever the header", () => {
  const piece = fc.constantFrom("tok_", TOKEN, OTHER, " ", ":", "Basic ", "Bearer ", "=", "x", "\t", ",");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      for (const token of found(["Authorization", pieces.join("")])) expect([TOKEN, OTHER]).toContain(token);
    }),
  );
});
