import { describe, expect, test } from "vitest";
import { createBodyTypeReader, headOfDecoded, planAnswer } from "./answer-plan.js";

/** One for all, as for the answers of one service. */
const readType = createBodyTypeReader();
const JSON_TYPE = ["Content-Type", "application/json; charset=utf-8"];
const scrub = { kind: "scrub", codings: [], edges: false, encoding: "named" };
const untyped = { ...scrub, encoding: "unnamed" };

describe("the plan for an answer's body", () => {
  test.each([
    [200, JSON_TYPE, scrub],
    [500, JSON_TYPE, scrub],
    [200, [], untyped],
    [200, ["content-type", "nonsense"], untyped],
    [200, ["Content-Type", "text/csv"], { ...scrub, encoding: "unnamed" }],
    [200, ["Content-Type", "image/png", "content-type", "text/html"], untyped],
    [206, JSON_TYPE, { ...scrub, edges: true }],
    [200, [...JSON_TYPE, "Content-Encoding", "gzip"], { ...scrub, codings: ["gzip"] }],
    [
      200,
      [...JSON_TYPE, "Content-Encoding", "GZIP, identity", "content-encoding", "br"],
      { ...scrub, codings: ["gzip", "br"] },
    ],
    [200, [...JSON_TYPE, "Content-Encoding", "identity"], scrub],
    [200, [...JSON_TYPE, "Content-Encoding", "compress"], { kind: "refuse" }],
    [200, [...JSON_TYPE, "Content-Encoding", "gzip, gzip, gzip, gzip"], { kind: "refuse" }],
    [206, [...JSON_TYPE, "Content-Encoding", "gzip"], { kind: "refuse" }],
    [200, ["Content-Type", "image/png"], { kind: "pass" }],
    [200, ["Content-Type", "image/png", "Content-Encoding", "compress"], { kind: "pass" }],
    [200, ["Content-Type", "text/plain; charset=utf-16"], { kind: "refuse" }],
    [200, ["Content-Type", 'text/html;charset="UTF-16LE"'], { kind: "refuse" }],
    [200, ["Content-Type", "text/html; charset=x-own"], { kind: "refuse" }],
    [200, ["Content-Type", "text/plain; charset=utf-8"], scrub],
    [200, ["Content-Type", "image/png; charset=utf-16"], { kind: "pass" }],
    [204, JSON_TYPE, { kind: "pass" }],
    [304, [...JSON_TYPE, "Content-Encoding", "compress"], { kind: "pass" }],
  ])("of status %i with %j is %j", (status, headers, plan) => {
    expect(planAnswer("GET", status, headers, true, readType)).toEqual(plan);
  });

  test("is to pass it where nothing is searched for, and for HEAD", () => {
    expect(planAnswer("GET", 200, JSON_TYPE, false, readType)).toEqual({ kind: "pass" });
    expect(planAnswer("HEAD", 200, [...JSON_TYPE, "Content-Encoding", "compress"], true, readType)).toEqual({
      kind: "pass",
    });
  });
});

test("a type is read once while answers say the same, and anew when they do not", () => {
  const read = createBodyTypeReader();
  const json = read(["application/json"]);
  expect(read(["application/json"])).toBe(json);
  expect(read(["image/png"])).toEqual({ isTextual: false, encoding: "unnamed" });
  expect(read(["application/json"])).toEqual(json);
  expect(read(["application/json", "text/plain; charset=utf-16"])).toMatchObject({ encoding: undefined });
  expect(read([])).toEqual({ isTextual: true, encoding: "unnamed" });
});

test("the head of a decoded answer speaks of no encoded bytes, and its entity tag is the upstream's", () => {
  const headers = [
    ...[
      "ETag",
      '"abc"',
      "Content-Encoding",
      "gzip",
      "content-length",
      "5",
      "Digest",
      "x",
      "Repr-Digest",
      "x",
    ],
    ...["Content-Digest", "x", "Content-MD5", "x", "Accept-Ranges", "bytes", "X-Other", "kept"],
  ];
  expect(headOfDecoded(headers)).toEqual(["ETag", '"abc"', "X-Other", "kept"]);
  expect(headOfDecoded(["etag", 'W/"abc"'])).toEqual(["etag", 'W/"abc"']);
});
