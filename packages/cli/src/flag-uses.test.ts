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
  ["ssh_key", { baseUrl: "https://x" }, `--base-url is for ${CALLS}`],
  ["ssh_key", { host: "h" }, `--host is for ${SESSIONS}`],
  ["ssh_key", { tlsCa: "f" }, `--tls-ca is for ${CALLS} and of sessions`],
  ["ssh_key", { tlsSkipVerify: true }, `--tls-skip-verify is for ${CALLS} and of sessions`],
  ["ssh_key", { idleTimeout: "1m" }, `--idle-timeout is for ${CALLS} and of sessions`],
  ["bearer", { sshHost: "h" }, "--ssh-host is for --type ssh_key"],
  ["imap", { sshKeyFile: "f" }, "--ssh-key-file is for --type ssh_key"],
])("%s has no use for %j", (type, flags, message) => {
  expect(() => refuseUselessFlags(type, flags)).toThrow(
    expect.objectContaining({ name: "UsageError", message: `${message}, not for --type ${type}` }),
  );
});

test("what every type has a use for is refused to none", () => {
  const types = Object.keys(AUTH_TYPES) as AuthType[];
  for (const type of types) {
    expect(suits(type, { scrub: true, allowPrivate: true, description: "d" }), type).toBe(true);
  }
  for (const type of types.filter((other) => other !== "ssh_key")) {
    expect(suits(type, { tlsSkipVerify: true, tlsCa: "f", idleTimeout: "1m" }), type).toBe(true);
  }
});
