import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { assertTarget, pathSegment, proxyTarget, survivesUrlParser } from "./request-target.js";

const ORIGIN = "http://127.0.0.1:8390";

describe("proxyTarget", () => {
  test.each([
    ["/v1/models", "/proxy/svc/v1/models"],
    ["v1/models", "/proxy/svc/v1/models"],
    ["", "/proxy/svc"],
    ["/", "/proxy/svc/"],
    ["//x", "/proxy/svc//x"],
    ["?a=b", "/proxy/svc?a=b"],
    ["/a%2Fb?a=%20+", "/proxy/svc/a%2Fb?a=%20+"],
  ])("%j becomes %j", (path, target) => {
    expect(proxyTarget("svc", path)).toBe(target);
  });

  test("never changes a byte of a rooted path", () => {
    fc.assert(
      fc.property(fc.string(), (rest) => {
        expect(proxyTarget("svc", `/${rest}`)).toBe(`/proxy/svc/${rest}`);
      }),
    );
  });
});

describe("pathSegment", () => {
  test("no name leaves its segment", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (name) => {
        fc.pre(name !== "." && name !== "..");
        const segment = pathSegment(name);
        expect(survivesUrlParser(ORIGIN, `/files/${segment}`)).toBe(true);
        expect(segment).not.toMatch(/[/\\?#]/);
        expect(decodeURIComponent(segment)).toBe(name);
      }),
    );
  });

  test.each(["", ".", ".."])("refuses %j", (name) => {
    expect(() => pathSegment(name)).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });
});

describe("assertTarget", () => {
  test.each([
    ["/a b", "%20"],
    ["/é", "%C3%A9"],
    ["/🎉", "%F0%9F%8E%89"],
    ["/a#b", "%23"],
    ["/a\r\nX: y", "%0D"],
    ["/a\tb", "%09"],
    ["/\u0000", "%00"],
  ])("refuses %j and says %s", (target, hint) => {
    expect(() => assertTarget(target)).toThrow(hint);
  });

  test("accepts every other printable ASCII character as it is", () => {
    expect(() => assertTarget("/!\"$%&'()*+,-./0:;<=>?@A[\\]^_`a{|}~")).not.toThrow();
  });
});

describe("survivesUrlParser", () => {
  test.each(["/a/../b", "/a/%2e%2e/b", "/a/./b", "/a\\b", '/a"b', "/?a='b'", "/x?", "/a{b}"])(
    "not %j",
    (target) => {
      expect(survivesUrlParser(ORIGIN, target)).toBe(false);
    },
  );

  test.each(["/a%2Fb", "/100%25", "/%25ef", "/a?x=%20+", "//x", "/a;b=c,d@e:f$g!h*(i)"])(
    "but %j",
    (target) => {
      expect(survivesUrlParser(ORIGIN, target)).toBe(true);
    },
  );
});
