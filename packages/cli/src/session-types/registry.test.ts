import { Command } from "commander";
import { describe, expect, test } from "vitest";

import { authDefinition, secretLabels, type AuthType } from "../service-definition.js";
import { addSessionTypeOptions, missingSessionFlags, readSessionFlags } from "./registry.js";
import type { SessionTypeFlags } from "./session-type.js";

/** What the command line gives. */
function parse(...args: readonly string[]): SessionTypeFlags {
  const command = new Command().exitOverride().configureOutput({ outputError: () => undefined });
  addSessionTypeOptions(command);
  return command.parse(args, { from: "user" }).opts();
}

type SessionAuthType = Extract<AuthType, "imap" | "smtp" | "redis" | "postgres">;

/** What goes to the vault. */
function define(type: SessionAuthType, args: readonly string[]): unknown {
  const flags = readSessionFlags(type, parse("--host", "h", ...args));
  const secrets = secretLabels(type, flags).map((label) => `the ${label}`);
  return JSON.parse(JSON.stringify(authDefinition(type, flags, secrets)));
}

describe("what goes to the vault", () => {
  test.each<[SessionAuthType, string[], object]>([
    ["imap", ["--user", "u"], { imap_host: "h", imap_user: "u", imap_password: "the Password" }],
    [
      "imap",
      ["--user", "u", "--port", "1143", "--tls", "none", "--auth", "plain"],
      {
        ...{ imap_host: "h", imap_port: 1143, imap_user: "u", imap_password: "the Password" },
        ...{ imap_tls: "none", imap_auth: "plain" },
      },
    ],
    ["smtp", ["--user", "u"], { smtp_host: "h", smtp_user: "u", smtp_password: "the Password" }],
    [
      "smtp",
      ["--user", "u", "--port", "2525", "--tls", "starttls", "--auth", "cram-md5"],
      {
        ...{ smtp_host: "h", smtp_port: 2525, smtp_user: "u", smtp_password: "the Password" },
        ...{ smtp_tls: "starttls", smtp_auth: "cram-md5" },
      },
    ],
    ["redis", [], { redis_host: "h", redis_password: "the Password" }],
    [
      "redis",
      ["--user", "u", "--port", "1", "--database", "3", "--tls", "on"],
      {
        ...{ redis_host: "h", redis_port: 1, redis_username: "u", redis_password: "the Password" },
        ...{ redis_db: 3, redis_tls: true },
      },
    ],
    ["redis", ["--tls", "off"], { redis_host: "h", redis_password: "the Password", redis_tls: false }],
    [
      "postgres",
      ["--user", "u"],
      { postgres_host: "h", postgres_user: "u", postgres_password: "the Password" },
    ],
    [
      "postgres",
      ["--user", "u", "--port", "5433", "--database", "orders", "--tls", "disable"],
      {
        ...{ postgres_host: "h", postgres_port: 5433, postgres_user: "u", postgres_password: "the Password" },
        ...{ postgres_db: "orders", postgres_tls: "disable" },
      },
    ],
  ])("for %s with %j", (type, args, fields) => {
    expect(define(type, args)).toEqual({ type, ...fields });
  });

  test.each<[SessionAuthType, string[], string]>([
    ["imap", [], "xoauth2"],
    ["imap", ["--auth", "oauthbearer"], "oauthbearer"],
    ["smtp", [], "xoauth2"],
  ])("for %s with an access token has no password", (type, args, mechanism) => {
    expect(define(type, ["--user", "u", "--oauth-service", "gmail", ...args])).toEqual({
      ...{ type, oauth_service: "gmail", [`${type}_auth`]: mechanism },
      ...{ [`${type}_host`]: "h", [`${type}_user`]: "u" },
    });
  });
});

test.each([
  ["db.example.com:5433", { host: "db.example.com", port: 5433 }],
  ["[fd00::1]:5433", { host: "fd00::1", port: 5433 }],
  ["[fd00::1]", { host: "fd00::1", port: undefined }],
  ["fd00::1", { host: "fd00::1", port: undefined }],
  ["10.0.0.1", { host: "10.0.0.1", port: undefined }],
])("--host %s is a host, and perhaps a port", (host, place) => {
  expect(readSessionFlags("postgres", { host })).toMatchObject(place);
});

test("ports that stand for one kind of TLS mean it, unless --tls says otherwise", () => {
  expect(readSessionFlags("smtp", { host: "h:465" }).tls).toBe("implicit");
  expect(readSessionFlags("imap", { host: "h", port: 143 }).tls).toBe("starttls");
  expect(readSessionFlags("smtp", { host: "h", port: 465, tls: "none" }).tls).toBe("none");
  expect(readSessionFlags("smtp", { host: "h", port: 587 }).tls).toBeUndefined();
});

test.each<[SessionAuthType, SessionTypeFlags, string]>([
  ["imap", { tls: "require" }, "--tls is implicit, starttls or none for --type imap"],
  ["redis", { tls: "require" }, "--tls is off or on for --type redis"],
  ["smtp", { auth: "oauthbearer" }, "--auth is auto, plain, login, cram-md5 or xoauth2 for --type smtp"],
  ["imap", { auth: "plain", oauthService: "x" }, "--oauth-service is for --auth xoauth2 and oauthbearer"],
  ["redis", { database: "orders" }, "--database takes a number for --type redis"],
  ["postgres", { host: "h:1", port: 2 }, "two different ports"],
  ["postgres", { host: "h:70000" }, '"70000" is no port'],
  ["postgres", { host: "h:abc" }, '"abc" is no port'],
  ["postgres", { host: "[::1]:" }, '"" is no port'],
])("%s with %j is a usage error", (type, flags, message) => {
  expect(() => readSessionFlags(type, { host: "h", ...flags })).toThrow(
    expect.objectContaining({ name: "UsageError", message: expect.stringContaining(message) as string }),
  );
});

test.each(["0", "65536", "x", "-1"])("--port %s is a usage error", (port) => {
  expect(() => parse("--port", port)).toThrow("1 to 65535");
});

test("what a type cannot do without is known", () => {
  expect(missingSessionFlags("postgres", {})).toEqual(["--host", "--user"]);
  expect(missingSessionFlags("redis", {})).toEqual(["--host"]);
  expect(missingSessionFlags("imap", { host: "h", user: "u", auth: "xoauth2" })).toEqual(["--oauth-service"]);
  expect(missingSessionFlags("imap", { host: "h", user: "u" })).toEqual([]);
});
