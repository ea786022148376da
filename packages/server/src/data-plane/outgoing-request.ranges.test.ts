import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { NO_TOKEN, type ServiceRecord } from "../auth-strategies/service-definition.js";
import { Secret } from "../redaction/secret.js";
import { prepareRequest } from "./outgoing-request.js";
import { createCookieJars } from "./cookie-jars.js";
import { createServiceRoutes } from "./service-routes.js";

const RECORD: ServiceRecord = {
  name: "api",
  base_url: "https://api.example.com",
  auth: { type: "bearer", token: new Secret("s3cret-0123456789") },
  tls_skip_verify: false,
  session_cookies: false,
  allow_private: false,
  forward_cookies: false,
};

/** The fields that go out of those that a caller sent to a service. Flat. */
function forwarded(
  fields: readonly string[],
  settings: Partial<ServiceRecord> = {},
  guesses = 0,
): readonly string[] {
  const now = 0;
  const record = { ...RECORD, ...settings };
  const routes = createServiceRoutes({
    records: () => new Map([["api", record]]),
    egressProxy: undefined,
    tokenOf: () => NO_TOKEN,
    cookieJars: createCookieJars(Date.now),
  });
  const route = routes.get("api");
  if (route === undefined) throw new Error("no such service");
  for (let guess = 0; guess < guesses; guess += 1) route.ranges.note(now);
  const request = { method: "GET", rawHeaders: [...fields] } as Partial<IncomingMessage> as IncomingMessage;
  return prepareRequest(request, { service: "api", path: "/x", query: undefined }, route, now).headers;
}

/** Fields around those that a test is about: they must stay as they are. */
const among = (...fields: string[]): string[] => ["X-First", "1", ...fields, "X-Last", "a,b"];

describe("one range goes on", () => {
  test.each([
    ["Range", "bytes=0-99"],
    ["rAnGe", "bytes=-5"],
    ["Request-Range", "bytes=0-99"],
  ])("as %s: %s", (name, value) => {
    expect(forwarded(among(name, value))).toEqual(among(name, value));
  });

  test("with If-Range beside it", () => {
    const fields = among("Range", "bytes=0-99", "If-Range", '"a,b"');
    expect(forwarded(fields)).toEqual(fields);
  });
});

describe("no range goes on", () => {
  test.each([
    ["of several in one field", ["Range", "bytes=0-4,5-9"]],
    ["of several in one field of the old name", ["Request-Range", "bytes=0-4, 5-9"]],
    ["of several fields", ["Range", "bytes=0-4", "range", "bytes=5-9"]],
    ["of several fields of the old name", ["Request-Range", "bytes=0-4", "Request-Range", "bytes=5-9"]],
    ["of two fields of both names", ["Range", "bytes=0-4", "Request-Range", "bytes=5-9"]],
    ["of two fields of both names, the old one first", ["request-range", "bytes=0-4", "Range", "bytes=0-4"]],
    ["of three fields", ["Range", "bytes=0-4", "Request-Range", "bytes=5-9", "RANGE", "bytes=10-14"]],
    ["of a field with an underscore", ["request_range", "bytes=0-4,5-9"]],
  ])("%s", (_what, fields) => {
    expect(forwarded(among(...fields))).toEqual(among());
  });

  test("of a header that the service adds beside the caller's of the old name", () => {
    const headers = { Range: "bytes=0-4" };
    expect(forwarded(among("Request-Range", "bytes=5-9"), { headers })).toEqual(among());
  });

  test("with something between them, which stays", () => {
    const fields = ["Range", "bytes=0-4", "Accept", "text/plain", "Range", "bytes=5-9"];
    expect(forwarded(among(...fields))).toEqual(among("Accept", "text/plain"));
  });
});

describe("no range goes on after guesses at the edges of parts", () => {
  test.each([
    ["of any name", ["Range", "bytes=0-9"]],
    ["of the old name", ["Request-Range", "bytes=0-9"]],
  ])("%s", (_what, fields) => {
    expect(forwarded(among(...fields), {}, 2)).toEqual(among(...fields));
    expect(forwarded(among(...fields), {}, 3)).toEqual(among());
    expect(forwarded(among(...fields), { scrub: "off" }, 3)).toEqual(among(...fields));
  });
});

describe("an encoding is asked for", () => {
  test.each([
    ["identity, with a range", ["Range", "bytes=0-9"], "identity"],
    ["identity, with a range of the old name", ["Request-Range", "bytes=0-9"], "identity"],
    ["as by the caller, with ranges that do not go on", ["Range", "bytes=0-4,5-9"], "gzip"],
    ["cut to what can be decoded, without a range", [], "gzip"],
  ])("%s", (_what, range, expected) => {
    const headers = forwarded([...range, "Accept-Encoding", "gzip, x-own"]);
    expect(headers.slice(-2)).toEqual(["Accept-Encoding", expected]);
  });
});

test("a service that is not scrubbed gets ranges and encodings as they are", () => {
  const fields = among("Range", "bytes=0-4,5-9", "Request-Range", "bytes=5-9", "Accept-Encoding", "x-own");
  expect(forwarded(fields, { scrub: "off" })).toEqual(fields);
});
