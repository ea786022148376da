import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rewriteLocation } from "./location.js";

const context = { service: "api", origin: "https://api.example.com", basePath: "/v1" };
const atRoot = { ...context, basePath: "" };

/** What a path that leads elsewhere is made of. */
const pathLike = fc
  .array(fc.constantFrom("/", "\\", ".", "..", "%2e", "v1", "auth", " ", "?", "#", ":"))
  .map((parts) => `/${parts.join("")}`);

describe("a Location", () => {
  test.each([
    ["https://api.example.com/v1/items/7", "/proxy/api/items/7"],
    ["https://api.example.com/v1", "/proxy/api"],
    ["https://api.example.com/v1/", "/proxy/api/"],
    ["https://api.example.com/v1?a=b", "/proxy/api?a=b"],
    ["https://api.example.com/v1#f", "/proxy/api#f"],
    ["HTTPS://API.example.com:443/v1/x", "/proxy/api/x"],
    ["//api.example.com/v1/x", "/proxy/api/x"],
    ["/v1/x?y=%2F#z", "/proxy/api/x?y=%2F#z"],
    ["/v1/%2F..%2Fx", "/proxy/api/%2F..%2Fx"],
    ["/v1/.x/..y/...?z=/../", "/proxy/api/.x/..y/...?z=/../"],
  ])("below the base path %s leads through the vault: %s", (location, expected) => {
    expect(rewriteLocation(location, context)).toBe(expected);
  });

  test.each([
    ["/", "https://api.example.com/"],
    ["/login", "https://api.example.com/login"],
    ["/v10/x", "https://api.example.com/v10/x"],
    ["/auth/lock", "https://api.example.com/auth/lock"],
    ["//api.example.com/login", "https://api.example.com/login"],
    ["//other.example/x", "https://other.example/x"],
    ["/auth\\lock", "https://api.example.com/auth\\lock"],
    ["/v1\\..\\auth", "https://api.example.com/v1\\..\\auth"],
    ["/v1/../auth/lock", "https://api.example.com/v1/../auth/lock"],
    ["/v1/a/%2E./%2e%2E/x?y", "https://api.example.com/v1/a/%2E./%2e%2E/x?y"],
    ["https://api.example.com/v1/..", "https://api.example.com/v1/.."],
  ])("elsewhere %s never means a path of the vault: %s", (location, expected) => {
    expect(rewriteLocation(location, context)).toBe(expected);
  });

  test.each([
    ["https://other.example/v1/x"],
    ["http://api.example.com/v1/x"],
    ["https://api.example.com:8443/v1/x"],
    ["https://api.example.com.evil.example/v1/x"],
    ["https://me@api.example.com/v1/x"],
    ["https://api.example.com/login"],
    ["https://[/v1"],
    ["mailto:a@b"],
    ["items/7"],
    ["../x"],
    ["?a=b"],
    ["#f"],
    [""],
    ["/\\api.example.com/v1"],
    ["https:\\\\api.example.com/v1"],
  ])("%s stays as it is", (location) => {
    expect(rewriteLocation(location, context)).toBe(location);
  });

  test("of a service without a base path leads through the vault wherever it points on the origin", () => {
    expect(rewriteLocation("https://api.example.com", atRoot)).toBe("/proxy/api");
    expect(rewriteLocation("/anything", atRoot)).toBe("/proxy/api/anything");
    expect(rewriteLocation("https://api.example.com?q", atRoot)).toBe("/proxy/api?q");
  });

  test("never names a path of the vault but its service's", () => {
    fc.assert(
      fc.property(fc.oneof(fc.webUrl(), fc.webPath(), fc.string(), pathLike), (location) => {
        for (const where of [context, atRoot]) {
          const rewritten = rewriteLocation(location, where);
          const base = "http://vault.example/proxy/api/x";
          if (!rewritten.startsWith("/") || !URL.canParse(rewritten, base)) continue;
          const read = new URL(rewritten, base);
          if (read.origin === "http://vault.example") expect(read.pathname).toMatch(/^\/proxy\/api(?:\/|$)/);
        }
      }),
    );
  });
});
