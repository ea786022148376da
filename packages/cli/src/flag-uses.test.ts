import { expect, test } from "vitest";

import { refuseUselessFlags, suits } from "./flag-uses.js";
import { AUTH_TYPES, type AuthType, type ServiceFlags } from "./service-definition.js";

const SESSIONS = "--type imap, smtp, redis, postgres";
const CALLS = "services of HTTP calls";

test.each<[AuthType, ServiceFlags, string]>([
  ["postgres", { baseUrl: "https://x" }, `--base-url is for ${CALLS}`],
  ["redis", { header: ["A: b"] }, `--header is for ${CALLS}`],
  ["imap", { scrub: false }, `--no-scrub is for ${CALLS}`],
  ["imap", { sessionCookies: true }, `--session-cookies is for ${CALLS}`],
  ["imap", { forwardCookies: true }, `--forward-cookies is for ${CALLS}`],
  ["imap", { connectTimeout: "1s" }, `--connect-timeout is for ${CALLS}`],
  ["imap", { responseTimeout: "1s" }, `--response-timeout is for ${CALLS}`],
  ["imap", { maxRequestBytes: "0" }, `--max-request-bytes is for ${CALLS}`],
  ["postgres", { username: "u" }, "--username is for --type basic"],
  ["bearer", { headerName: ["x"] }, "--header-name is for --type header, headers"],
  ["bearer", { paramName: ["x"] }, "--param-name is for --type query"],
  ["bearer", { host: "h" }, `--host is for ${SESSIONS}`],
  ["oauth2_client", { port: 1 }, `--port is for ${SESSIONS}`],
  ["basic", { user: "u" }, `--user is for ${SESSIONS}`],
  ["basic", { tls: "on" }, `--tls is for ${SESSIONS}`],
  ["imap", { database: "d" }, "--database is for --type redis, postgres"],
  ["postgres", { auth: "plain" }, "--auth is for --type imap, smtp"],
  ["redis", { oauthService: "x" }, "--oauth-service is for --type imap, smtp"],
  ["bearer", { maxConnections: 2 }, `--max-connections is for ${SESSIONS}`],
  ["bearer", { requirePassword: true }, `--require-password is for ${SESSIONS}`],
  ["bearer", { anyLocalUser: true }, `--any-local-user is for ${SESSIONS}`],
])("%s has no use for %j", (type, flags, message) => {
  expect(() => refuseUselessFlags(type, flags)).toThrow(
    expect.objectContaining({ name: "UsageError", message: `${message}, not for --type ${type}` }),
  );
});

test("what every type has a use for is refused to none", () => {
  const flags = { scrub: true, allowPrivate: true, tlsSkipVerify: true, tlsCa: "f", idleTimeout: "1m" };
  for (const type of Object.keys(AUTH_TYPES) as AuthType[]) {
    expect(suits(type, { ...flags, description: "d" }), type).toBe(true);
  }
});
