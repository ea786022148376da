import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assertSafePath, assertSafeQuery, splitProxyTarget } from "./request-target.js";

describe("splitProxyTarget", () => {
  test.each([
    ["/proxy/svc", "svc", "", undefined],
    ["/proxy/svc/", "svc", "/", undefined],
    ["/proxy/svc?", "svc", "", ""],
    ["/proxy/svc?a=/b?c", "svc", "", "a=/b?c"],
    ["/proxy/svc/v1/x?a=%20+", "svc", "/v1/x", "a=%20+"],
    ["/proxy/svc/a%2Fb", "svc", "/a%2Fb", undefined],
    ["/proxy/svc/100%25", "svc", "/100%25", undefined],
    ["/proxy/svc//x", "svc", "//x", undefined],
    ["/proxy/svc/../x", "svc", "/../x", undefined],
    ["http://evil.example/proxy/svc/x?y", "svc", "/x", "y"],
    ["HTTPS://u@evil.example:1/proxy/svc", "svc", "", undefined],
  ])("%s names service %s, path %j, query %j", (target, service, path, query) => {
    expect(splitProxyTarget(target)).toEqual({ service, path, query });
  });

  test.each([
    "",
    "*",
    "/",
    "/proxy",
    "/proxy/",
    "/proxy//x",
    "/proxy/?x",
    "/proxyx/svc",
    "/Proxy/svc",
    "/x/proxy/svc",
    "proxy/svc",
    "http://host",
    "http:///x/proxy/svc",
    "ftp://host/proxy/svc",
    "host:443",
    "//host/proxy/svc",
    "http://host?/proxy/svc",
    "/%70roxy/svc",
  ])("%j is no proxied call", (target) => {
    expect(splitProxyTarget(target)).toBeUndefined();
  });

  test("service, path and query put together are the target, byte for byte", () => {
    const text = fc.string({
      unit: fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code)),
    });
    fc.assert(
      fc.property(fc.constantFrom("", "http://host", "https://h:1"), text, (prefix, rest) => {
        const split = splitProxyTarget(`${prefix}/proxy/${rest}`);
        if (split === undefined) {
          expect(rest === "" || /^[/?]/.test(rest)).toBe(true);
          return;
        }
        expect(split.service + split.path + (split.query === undefined ? "" : `?${split.query}`)).toBe(rest);
        expect(split.path === "" || split.path.startsWith("/")).toBe(true);
        expect(split.service).toMatch(/^[^/?]+$/);
      }),
    );
  });
});

describe("assertSafePath", () => {
  test.each([
    "",
    "/",
    "//",
    "//x",
    "/a%2Fb",
    "/100%25",
    "/%25ef",
    "/a/b/",
    "/...",
    "/a..b/..c/d..",
    "/.well-known/x",
    "/a.",
    "/%",
    "/%2",
    "/%zz",
    "/%e2%82%ac",
    "/%e0%a4%95%e0%a5%80",
    "/%f0%9f%98%80",
    "/%e0%80.",
    "/%80%ae%80%ae",
    "/%u002",
    "/%u012e%u012e",
    "/;x",
    "/a;..",
    "/~x",
    "/%5c",
    "/a%00b",
    "/%3f..",
    `/${"a".repeat(8192)}`,
    `/${"%2f".repeat(2700)}`,
    "/v1/models/gpt-4.1:generate",
    "/{a}|b^",
  ])("%j passes", (path) => {
    expect(() => assertSafePath(path)).not.toThrow();
  });

  test.each([
    "/.",
    "/..",
    "/a/..",
    "/../a",
    "/a/./b",
    "/%2e",
    "/%2E%2e",
    "/.%2e/",
    "/%252e%252e/x",
    "/%25252e",
    "/%%32%65",
    "/%2%65%2e",
    "/..%5cx",
    "/..\\x",
    "\\..",
    "/a\\..\\b",
    "/%2e%2e%2fetc",
    "/a%2f..%2fb",
    "/..;x",
    "/..;",
    "/.;a=b/x",
    "/..%3bx",
    "/..%3fx",
    "/..%23x",
    "/..%00x",
    "/%00..",
    "/.%00.",
    "/.%09./",
    "/%0a..",
    "/..%0d",
    "/%c0%ae%c0%ae/x",
    "/a%c0%af..",
    "/x%c1%9c..",
    "/%25c0%25ae.",
    "/%e0%80%ae%e0%80%ae/x",
    "/..%e0%80%afx",
    "/a%e0%81%9c..",
    "/%25e0%2580%25ae.",
    "/%f0%80%80%ae%f0%80%80%ae/x",
    "/..%f0%80%80%afx",
    "/%f8%80%80%80%ae./x",
    "/%fc%80%80%80%80%ae./x",
    "/%u002e%u002E/x",
    "/..%u005cx",
  ])("%j is refused", (path) => {
    expect(() => assertSafePath(path)).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });

  test.each(["a", "/a b", "/a\tb", "/a\n", "/\u0000", "/\u007f", "/é", "/a#b", "/a?b", "/\u20ac"])(
    "%j is refused as not fit for a request line",
    (path) =>
      expect(() => assertSafePath(path)).toThrow(expect.objectContaining({ code: "invalid_request" })),
  );

  /** What the fast decoder must equal: decode all escapes at once, again and again. */
  function holdsDotsByRepeatedDecoding(path: string): boolean {
    let current = path;
    for (;;) {
      const next = current.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) =>
        String.fromCharCode(parseInt(hex, 16)),
      );
      if (next === current) break;
      current = next;
    }
    return current.split(/[/\\]/).some((segment) => segment === "." || segment === "..");
  }

  const hostile = fc
    .array(
      fc.constantFrom("/", ".", "..", "%", "2e", "2E", "25", "2f", "5c", "\\", "a", "%2e", "%25", "%32"),
      { maxLength: 14 },
    )
    .map((parts) => `/${parts.join("")}`);

  test("it refuses exactly what repeated decoding finds", () => {
    fc.assert(
      fc.property(hostile, (path) => {
        let refused = false;
        try {
          assertSafePath(path);
        } catch {
          refused = true;
        }
        expect(refused).toBe(holdsDotsByRepeatedDecoding(path));
      }),
      { numRuns: 3000 },
    );
  });

  test("a dot segment stays one however often it is encoded", () => {
    fc.assert(
      fc.property(fc.nat({ max: 50 }), fc.constantFrom(".", ".."), (depth, dots) => {
        const dot = `%${"25".repeat(depth)}2e`;
        expect(() => assertSafePath(`/a/${dot.repeat(dots.length)}/b`)).toThrow();
        expect(() => assertSafePath(`/a/${dot.repeat(3)}/b`)).not.toThrow();
      }),
    );
  });

  test("a dot segment in overlong UTF-8 of any length is refused, another segment is not", () => {
    /** RFC 2279 §2 had sequences of up to six bytes; the first has as many leading ones as there are bytes. */
    const overlong = (code: number, length: number): string => {
      const first = (0xff00 >> length) & 0xff;
      const rest = Array.from({ length: length - 1 }, (_, index) => {
        const bits = 6 * (length - 2 - index);
        return 0x80 | ((bits > 6 ? 0 : code >> bits) & 0x3f);
      });
      const bytes = length === 2 ? [0xc0 | (code >> 6), 0x80 | (code & 0x3f)] : [first, ...rest];
      return bytes.map((byte) => `%${byte.toString(16)}`).join("");
    };
    const length = fc.integer({ min: 2, max: 6 });
    const depth = fc.nat({ max: 3 });
    const deeper = (text: string, times: number): string => text.replaceAll("%", `%${"25".repeat(times)}`);
    fc.assert(
      fc.property(
        fc.constantFrom("/", "\\"),
        fc.array(fc.tuple(length, depth), { minLength: 1, maxLength: 2 }),
        length,
        depth,
        (separator, dots, separatorLength, separatorDepth) => {
          const segment = dots.map(([each, times]) => deeper(overlong(0x2e, each), times)).join("");
          const between = deeper(overlong(separator.charCodeAt(0), separatorLength), separatorDepth);
          expect(() => assertSafePath(`/a${between}${segment}`)).toThrow();
          expect(() => assertSafePath(`/a/${segment}${between}b`)).toThrow();
          expect(() => assertSafePath(`/a${between}x${segment}`)).not.toThrow();
          expect(() =>
            assertSafePath(`/a${between}${overlong(0x61, separatorLength)}${segment}`),
          ).not.toThrow();
        },
      ),
    );
  });

  test("deep encodings cost linear time", () => {
    const started = performance.now();
    expect(() => assertSafePath(`/%${"25".repeat(500_000)}2e`)).toThrow();
    expect(() => assertSafePath(`/${"%25".repeat(300_000)}x`)).not.toThrow();
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe("assertSafeQuery", () => {
  test.each(["", "a=%20+", "a=b&c[]=d;e", "?", "q=\u00e9", "{}|\\^"])("%j passes", (query) => {
    expect(() => assertSafeQuery(query)).not.toThrow();
  });

  test.each(["a b", "a\r\nb", "\u0000", "\u007f", "a#b", "\u20ac"])("%j is refused", (query) => {
    expect(() => assertSafeQuery(query)).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });
});
