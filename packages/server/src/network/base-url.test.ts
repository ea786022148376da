import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { parseBaseUrl } from "./base-url.js";

const secure = { allowInsecure: false };
const insecure = { allowInsecure: true };

describe("parseBaseUrl", () => {
  test("gives scheme, host, port, origin and path", () => {
    expect(parseBaseUrl("https://API.Example.com/v1/", secure)).toEqual({
      protocol: "https:",
      hostname: "api.example.com",
      port: 443,
      origin: "https://api.example.com",
      basePath: "/v1",
    });
    expect(parseBaseUrl("HTTP://[::1]:8080", insecure)).toEqual({
      protocol: "http:",
      hostname: "::1",
      port: 8080,
      origin: "http://[::1]:8080",
      basePath: "",
    });
    expect(parseBaseUrl("http://127.1", insecure)).toMatchObject({ hostname: "127.0.0.1", port: 80 });
  });

  test.each([
    ["https://a.example", ""],
    ["https://a.example///", ""],
    ["https://a.example/%2F/b//c/", "/%2F/b//c"],
    ["https://a.example/A%7e~!$&'()*+,;=:@", "/A%7e~!$&'()*+,;=:@"],
    ["https://a.example/bot{token}/x{token}", "/bot{token}/x{token}"],
    ["https://a.example/100%25/%zz", "/100%25/%zz"],
    ["https://bücher.example/...", "/..."],
  ])("keeps the path of %s as %j, byte for byte", (text, basePath) => {
    expect(parseBaseUrl(text, secure).basePath).toBe(basePath);
  });

  test.each([
    "",
    "example.com",
    "//example.com",
    "ftp://example.com",
    "https:example.com",
    "https:/example.com",
    "https://",
    "https:///x",
    "https://:443",
    "javascript:alert(1)",
    "http://example.com",
    "https://user@example.com",
    "https://user:password@example.com",
    "https://@example.com",
    "https://example.com?x=1",
    "https://example.com/?",
    "https://example.com/x#y",
    "https://example.com#",
    "https://example.com\\@evil.example",
    "https://example.com/a\\b",
    "https:\\\\example.com",
    " https://example.com",
    "https://example.com ",
    "https://example.com/\n",
    "https://exa\tmple.com/",
    "https://example.com/\u0000",
    "https://example.com/é",
    "https://example.com/\u00a0",
    "https://example.com/a/../b",
    "https://example.com/.",
    "https://example.com/a/%2e%2E/b",
    "https://example.com/%252e%252e",
    "https://example.com/..%5cx",
    "https://example.com:0",
    "https://example.com:65536",
    "https://example.com:x",
    "https://{token}.example.com/",
    "https://example.com:{token}/",
    "https://localhost",
    "https://127.0.0.1",
    "https://0177.0.0.1",
    "https://0x7f000001",
    "https://2130706433/",
    "https://127.1",
    "https://１２７.0.0.1",
    "https://%31%32%37.0.0.1",
    "https://[::1]",
    "https://[::ffff:10.0.0.1]/",
    "https://10.0.0.1",
    "https://1.2.3.4.5",
    "https://metadata",
    "https://METADATA.google.internal./",
    `https://example.com/${"a".repeat(2048)}`,
  ])("refuses %j", (text) => {
    let refusal: unknown;
    try {
      parseBaseUrl(text, secure);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(VaultProxyError);
    expect(refusal).toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(/^base_url: /) as string,
    });
  });

  test.each(["http://169.254.169.254", "https://[fe80::1]", "http://metadata", "http://0xa9fea9fe/latest"])(
    "refuses %s even where private addresses are allowed",
    (text) => expect(() => parseBaseUrl(text, insecure)).toThrow(/^base_url: address not allowed/),
  );

  test("whatever it takes goes out on the origin and path that were written", () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9%~!$&'()*+,;=:@_-]{0,8}$/);
    fc.assert(
      fc.property(
        fc.domain(),
        fc.array(segment, { maxLength: 5 }),
        fc.nat({ max: 3 }),
        (host, segments, slashes) => {
          const path = segments.map((part) => `/${part}`).join("");
          fc.pre(!path.endsWith("/"));
          const base = parseBaseUrl(`https://${host}${path}${"/".repeat(slashes)}`, secure);
          expect(base.basePath).toBe(path);
          expect(base.origin).toBe(`https://${host.toLowerCase()}`);
        },
      ),
    );
  });

  test("any text is taken or refused with the field's name", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((tail) => `https://${tail}`),
        ),
        (text) => {
          try {
            parseBaseUrl(text, secure);
          } catch (error) {
            expect(error).toBeInstanceOf(VaultProxyError);
            expect((error as Error).message).toMatch(/^base_url: /);
          }
        },
      ),
    );
  });
});
