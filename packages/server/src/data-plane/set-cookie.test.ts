import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COOKIE_LIMITS } from "./cookie-limits.js";
import { readSetCookie, type CookieOrigin } from "./set-cookie.js";

const NOW = Date.UTC(2030, 0, 1);
const HOST: CookieOrigin = { host: "api.example.com", isSecure: true };

const read = (field: string, origin = HOST, path = "/v1/login") => readSetCookie(field, origin, path, NOW);
const at = (host: string): CookieOrigin => ({ host, isSecure: true });

describe("a Set-Cookie field", () => {
  test.each([
    ["sid=abc", "sid", "abc"],
    ["  sid =  abc  ", "sid", "abc"],
    ['sid="abc def"; Secure', "sid", '"abc def"'],
    ["sid=a=b==; HttpOnly", "sid", "a=b=="],
    ["sid=", "sid", ""],
    ["sid=a,b", "sid", "a,b"],
    ["s\xefd=\xe9t\xe9", "s\xefd", "\xe9t\xe9"],
    ["sid=abc; Unknown=x; SameSite=Strict; ; ;=", "sid", "abc"],
    ["__proto__=abc", "__proto__", "abc"],
  ])("%j is the cookie %j with the value %j", (field, name, value) => {
    const cookie = read(field);
    expect(cookie).toMatchObject({ name, domain: "api.example.com", path: "/v1", expiresAt: Infinity });
    expect(cookie?.value.reveal()).toBe(value);
  });

  test.each([
    [""],
    ["abc"],
    ["=abc"],
    ["; Path=/"],
    ["sid=a\tb"],
    ["sid=a\x01b"],
    ["sid=a\x7fb"],
    ["s\x1bd=a"],
    ["sid=\u20ac"],
    [`sid=${"x".repeat(COOKIE_LIMITS.cookieLength - 2)}`],
    [`sid=abc; X=${"x".repeat(COOKIE_LIMITS.fieldLength)}`],
  ])("%j is ignored", (field) => {
    expect(read(field)).toBeUndefined();
  });

  test("of the largest size is kept", () => {
    expect(read(`sid=${"x".repeat(COOKIE_LIMITS.cookieLength - 3)}`)).toBeDefined();
  });

  test("does not show its value where it is printed", () => {
    expect(JSON.stringify(read("sid=abcdefgh"))).not.toContain("abcdefgh");
  });
});

describe("its domain", () => {
  test.each([
    ["api.example.com", "api.example.com", "api.example.com"],
    ["api.example.com", ".api.example.com", "api.example.com"],
    ["api.example.com", "API.Example.COM", "api.example.com"],
    ["api.example.com", "example.com", "example.com"],
    ["api.example.com", ".example.com", "example.com"],
    ["a.b.example.co.uk", "example.co.uk", "example.co.uk"],
    ["127.0.0.1", "127.0.0.1", "127.0.0.1"],
    ["::1", "[::1]", "::1"],
    ["localhost", "localhost", "localhost"],
    ["intranet", "intranet", "intranet"],
    ["api.dev.localhost", "dev.localhost", "dev.localhost"],
    ["me.github.io", "me.github.io", "me.github.io"],
    ["co.uk", "co.uk", "co.uk"],
    ["xn--bcher-kva.example", "b\xfccher.example", "xn--bcher-kva.example"],
  ])("of %s may be %s", (host, domain, kept) => {
    expect(read(`sid=abc; Domain=${domain}`, at(host))?.domain).toBe(kept);
  });

  test.each([
    ["api.example.com", "other.example.com"],
    ["api.example.com", "v1.api.example.com"],
    ["api.example.com", "example.org"],
    ["api.example.com", "com"],
    ["api.example.com", "ample.com"],
    ["api.example.com", "evil.com"],
    ["a.example.co.uk", "co.uk"],
    ["me.github.io", "github.io"],
    ["api.intranet", "intranet"],
    ["a.foo.test", "test"],
    ["127.0.0.1", "0.0.1"],
    ["127.0.0.1", "1"],
    ["10.0.0.1", "10.0.0.2"],
    ["::1", "1"],
    ["api.example.com", "a b"],
    ["api.example.com", "\xff\x80"],
    ["api.example.com", "%"],
  ])("of %s is not %s", (host, domain) => {
    expect(read(`sid=abc; Domain=${domain}`, at(host))).toBeUndefined();
  });

  test.each([[""], ["."], ["  "]])("is the host if it is %j", (domain) => {
    expect(read(`sid=abc; Domain=${domain}`)?.domain).toBe("api.example.com");
  });
});

describe("its path", () => {
  test.each([
    ["/v1/login", "", "/v1"],
    ["/v1/login/", "", "/v1/login"],
    ["/login", "", "/"],
    ["/", "", "/"],
    ["/v1/login", "; Path=/", "/"],
    ["/v1/login", "; Path=/other", "/other"],
    ["/v1/login", "; Path=/a; Path=/b", "/b"],
    ["/v1/login", "; Path=relative", "/v1"],
    ["/v1/login", "; Path", "/v1"],
    ["/v1/a%20b/c", "", "/v1/a%20b"],
    ["/v1/login", `; Path=/${"x".repeat(COOKIE_LIMITS.pathLength)}`, "/v1"],
  ])("of an answer to %s with %j is %s", (requestPath, attribute, path) => {
    expect(read(`sid=abc${attribute}`, HOST, requestPath)?.path).toBe(path);
  });
});

describe("its life", () => {
  test.each([
    ["Max-Age=60", NOW + 60_000],
    ["Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", NOW + 60_000],
    ["Expires=Tue, 01 Jan 2030 00:01:00 GMT; max-age=5", NOW + 5000],
    ["Expires=Tue, 01-Jan-30 00:01:00 GMT", NOW + 60_000],
    ["Max-Age=0", -Infinity],
    ["Max-Age=-1", -Infinity],
    ["Max-Age=1e3", Infinity],
    ["Max-Age=soon", Infinity],
    ["Expires=soon", Infinity],
    [`Max-Age=${"9".repeat(400)}`, Infinity],
    [`Max-Age=-${"9".repeat(400)}`, -Infinity],
  ])("with %s ends at %d", (attributes, expiresAt) => {
    expect(read(`sid=abc; ${attributes}`)?.expiresAt).toBe(expiresAt);
  });
});

describe("what it says of safety is minded", () => {
  const plain = { host: "localhost", isSecure: false };
  test.each([
    ["sid=abc; Secure", HOST, true],
    ["sid=abc", plain, true],
    ["sid=abc; Secure", plain, false],
    ["__Secure-sid=abc; Secure", HOST, true],
    ["__Secure-sid=abc", HOST, false],
    ["__secure-sid=abc", HOST, false],
    ["__Secure-sid=abc; Secure", plain, false],
    ["__Host-sid=abc; Secure; Path=/", HOST, true],
    ["__Host-sid=abc; Secure", HOST, false],
    ["__Host-sid=abc; Path=/", HOST, false],
    ["__Host-sid=abc; Secure; Path=/v1", HOST, false],
    ["__Host-sid=abc; Secure; Path=/; Domain=api.example.com", HOST, false],
    ["__hoSt-sid=abc; Secure; Path=/; Domain=example.com", HOST, false],
  ])("%s over %j: %s", (field, origin, isKept) => {
    expect(read(field, origin) !== undefined).toBe(isKept);
  });
});

test("whatever the field is, nothing is thrown, and what is kept can be sent", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...["=", ";", "; ", "Domain=", "Path=/", "Expires=", "Max-Age=", "Secure", "__Host-", "sid=", ".com"],
      ...["[::1]", "example.com", "99999999999", "Thu, 31 Feb 2030 99:99:99", "%", "\0", "\r\n", '"'],
    ),
    fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 12,
    }),
    fc.string({ unit: "binary", maxLength: 6 }),
  );
  const hosts = fc.constantFrom("api.example.com", "localhost", "127.0.0.1", "::1", "co.uk");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), hosts, fc.string(), (pieces, host, path) => {
      const cookie = readSetCookie(pieces.join(""), { host, isSecure: true }, path, NOW);
      if (cookie === undefined) return;
      expect(`${cookie.name}=${cookie.value.reveal()}`).toMatch(/^[^;\x00-\x1f\x7f\u0100-\uffff]+$/);
      expect(`.${host}`.endsWith(`.${cookie.domain}`)).toBe(true);
      expect(cookie.path).toMatch(/^\//);
      expect(cookie.expiresAt).not.toBeNaN();
    }),
    { numRuns: 3000 },
  );
});

test("a field of a megabyte costs next to nothing", () => {
  for (const field of ["x".repeat(1e6), `sid=${";".repeat(1e6)}`, `sid=a; Domain=${"1:".repeat(5e5)}`]) {
    expect(read(field)).toBeUndefined();
  }
});
