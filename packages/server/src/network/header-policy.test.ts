import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AUTH_CLASS_HEADERS,
  canonicalHeaderName,
  filterRequestHeaders,
  filterResponseHeaders,
} from "./header-policy.js";
import { LOWER_CASE_OF_USUAL } from "./usual-header-names.js";

const plain = { injectedNames: new Set<string>(), forwardCookies: false };

const header = fc.tuple(
  fc.oneof(
    fc.constantFrom(
      "Accept",
      "X-Api-Key",
      "content_type",
      "Connection",
      "Cookie",
      "X-Forwarded-For",
      "TE",
      "x_vault_token",
    ),
    fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/),
  ),
  fc.constantFrom("", "a", "close", "keep-alive, X-Hop", "x-Hop,accept"),
);

describe("filterRequestHeaders", () => {
  test("keeps order, letter case and repeats", () => {
    const headers = ["X-b", "1", "accept", "*/*", "x-B", "2", "X-B", "", "Content-Type", "a/b"];
    expect(filterRequestHeaders(headers, plain)).toEqual(headers);
  });

  test.each([
    ...AUTH_CLASS_HEADERS,
    "Host",
    "Connection",
    "Keep-Alive",
    "Proxy-Connection",
    "Proxy-Foo",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Content-Length",
    "Upgrade",
    "HTTP2-Settings",
    "Expect",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Anything",
    "X-Vault-Anything",
    "Cookie",
    "Cookie2",
    "X-Original-URL",
    "X-Original-URI",
    "X-Original-Host",
    "X-Rewrite-URL",
    "X-Rewrite-URI",
    "X-Override-URL",
    "X-Forwarded-URI",
    "X-HTTP-Host-Override",
    "X-Envoy-Original-Path",
  ])("drops %s in every spelling", (name) => {
    const spellings = [
      name.toUpperCase(),
      name.toLowerCase(),
      ...["_", "."].map((mark) => name.replaceAll("-", mark)),
    ];
    for (const spelling of [name, ...spellings]) {
      expect(filterRequestHeaders([spelling, "x", "Accept", "y", spelling, "z"], plain)).toEqual([
        "Accept",
        "y",
      ]);
    }
  });

  test("drops the headers that the service injects, in every spelling", () => {
    const options = { ...plain, injectedNames: new Set(["dd-api-key"]) };
    expect(
      filterRequestHeaders(["DD_API-KEY", "x", "dd-api-key", "y", "DD.Api.Key", "x", "DD-App", "z"], options),
    ).toEqual(["DD-App", "z"]);
  });

  test("drops whatever any Connection header names, wherever it stands", () => {
    const headers = [
      "X-Hop",
      "1",
      "Connection",
      "keep-alive, x-hop ,, X_Other",
      "X-Other",
      "2",
      "connection",
      "y",
      "Y",
      "3",
      "Z",
      "4",
    ];
    expect(filterRequestHeaders(headers, plain)).toEqual(["Z", "4"]);
  });

  test("forwards cookies only where the service says so", () => {
    expect(filterRequestHeaders(["Cookie", "a=b"], { ...plain, forwardCookies: true })).toEqual([
      "Cookie",
      "a=b",
    ]);
  });

  test("what is left is a part of what was given, without a credential, and filtering again changes nothing", () => {
    fc.assert(
      fc.property(fc.array(header, { maxLength: 12 }), (headers) => {
        const left = filterRequestHeaders(headers.flat(), plain);
        let position = 0;
        for (let index = 0; index < left.length; index += 2) {
          const found = headers.findIndex(
            ([name, value], at) => at >= position && name === left[index] && value === left[index + 1],
          );
          expect(found).toBeGreaterThanOrEqual(0);
          position = found + 1;
          expect(AUTH_CLASS_HEADERS.has(canonicalHeaderName(left[index]!))).toBe(false);
        }
        expect(filterRequestHeaders(left, plain)).toEqual(left);
      }),
    );
  });
});

describe("filterResponseHeaders", () => {
  test("keeps order, letter case, repeats and bytes, given as Buffers or as text", () => {
    const headers = [
      "X-a",
      "caf\u00e9",
      "Content-Length",
      "3",
      "x-A",
      "",
      "Link",
      "<a>",
      "Location",
      "/x",
      "WWW-Authenticate",
      "Bearer",
    ];
    expect(filterResponseHeaders(headers)).toEqual(headers);
    expect(filterResponseHeaders(headers.map((text) => Buffer.from(text, "latin1")))).toEqual(headers);
  });

  test.each([
    "Set-Cookie",
    "Set-Cookie2",
    "Access-Control-Allow-Origin",
    "Access-Control-Anything",
    "X-Frame-Options",
    "X-Content-Type-Options",
    "Content-Security-Policy",
    "Content-Security-Policy-Report-Only",
    "Strict-Transport-Security",
    "Cross-Origin-Opener-Policy",
    "Permissions-Policy",
    "Speculation-Rules",
    "X-Vault-Error",
    "X-Vault-Request-Id",
    "Connection",
    "Keep-Alive",
    "Proxy-Connection",
    "Proxy-Authenticate",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Alt-Svc",
    "Clear-Site-Data",
    "Service-Worker-Allowed",
    "NEL",
    "Report-To",
    "Reporting-Endpoints",
    "Public-Key-Pins",
  ])("drops %s in any letter case", (name) => {
    for (const spelling of [name, name.toUpperCase(), name.toLowerCase()]) {
      expect(filterResponseHeaders([spelling, "x", "Date", "y"])).toEqual(["Date", "y"]);
    }
  });

  test("drops whatever Connection names", () => {
    expect(filterResponseHeaders(["X-Hop", "1", "Connection", "X-Hop", "Date", "2"])).toEqual(["Date", "2"]);
  });
});

test("a usual name is canonical like any other, however it is written", () => {
  const usual = [
    "Content-Type",
    "content-type",
    "CONTENT-TYPE",
    "x-api-key",
    "X-API-KEY",
    "ETag",
    "etag",
    "Etag",
  ];
  for (const name of usual) expect(canonicalHeaderName(name)).toBe(name.toLowerCase());
  for (const [name, lower] of LOWER_CASE_OF_USUAL) {
    expect([lower, /[_.]/.test(name)]).toEqual([name.toLowerCase(), false]);
  }
});
