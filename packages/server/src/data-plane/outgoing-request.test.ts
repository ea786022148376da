import { expect, test } from "vitest";
import { CookieJar } from "./cookie-jar.js";
import { addSessionCookies, dropOverrides } from "./outgoing-request.js";

function requestTo(path: string, headers: string[]) {
  return { method: "GET", basePath: "/v1", path, query: undefined, headers };
}

function jarWith(field: string): CookieJar {
  const jar = new CookieJar({ host: "api.example.com", isSecure: true }, Date.now);
  jar.take([Buffer.from("set-cookie"), Buffer.from(field)], "/v1/login");
  return jar;
}

test("the service's cookies go out for their path, which the base path is a part of", () => {
  const jar = jarWith("sid=1");
  const there = requestTo("/x", ["Accept", "*/*"]);
  addSessionCookies(there, jar);
  expect(there.headers).toEqual(["Accept", "*/*", "Cookie", "sid=1"]);
  const elsewhere = requestTo("/x", []);
  elsewhere.basePath = "/v2";
  addSessionCookies(elsewhere, jar);
  expect(elsewhere.headers).toEqual([]);
});

test("a cookie that the service injects as its credential comes first, in one field", () => {
  const request = requestTo("/x", ["cookie", "key=secret"]);
  addSessionCookies(request, jarWith("sid=1"));
  expect(request.headers).toEqual(["cookie", "key=secret; sid=1"]);
});

test.each([
  "X-HTTP-Method",
  "x-http-method-override",
  "X-HTTP-Path-Override",
  "X-HTTP-Verb",
  "X-Method",
  "X_Method_Override",
  "X-Original-Method",
  "X-Original-URI",
  "X-Original-URL",
  "X-Proxy-URL",
  "X-REST-Method",
  "X-Rewrite-URI",
  "X.Rewrite.URL",
])("%s, which could name another method or path than was judged, is left out", (name) => {
  const headers = [name, "PUT", "Accept", "*/*", name, "DELETE", "X-Methods", "1", name, "PATCH"];
  dropOverrides(headers);
  expect(headers).toEqual(["Accept", "*/*", "X-Methods", "1"]);
});
