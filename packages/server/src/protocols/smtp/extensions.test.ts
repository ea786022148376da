import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  domainOf,
  hasExtension,
  localExtensionLines,
  offeredMechanisms,
  readAnnouncement,
} from "./extensions.js";

const announce = (greeting: string, ...lines: string[]): ReturnType<typeof readAnnouncement> =>
  readAnnouncement({ code: 250, lines: [greeting, ...lines] });

describe("the extensions of a server", () => {
  test("are passed on to clients, but TLS and the log-in, which are the vault's", () => {
    const announcement = announce(
      "mail.test greets you",
      ...[
        "PIPELINING",
        "SIZE 31457280",
        "starttls",
        "AUTH PLAIN LOGIN XOAUTH2",
        "AUTH=PLAIN LOGIN",
        "8BITMIME",
      ],
      ...["X-ANONYMOUSTLS", "X-EXPS GSSAPI NTLM", "DSN", "SMTPUTF8", "CHUNKING", "LIMITS RCPTMAX=20"],
    );
    expect(announcement.domain).toBe("mail.test");
    expect(localExtensionLines(announcement)).toEqual([
      ...["PIPELINING", "SIZE 31457280", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING", "LIMITS RCPTMAX=20"],
      "AUTH PLAIN LOGIN",
    ]);
  });

  test("are not passed on where they are of no form that the RFC knows", () => {
    const announcement = announce("mail.test", "SI\u00dfE", "-DSN", "", " SIZE", "SIZE=1000", "DSN", "A: b");
    expect(localExtensionLines(announcement)).toEqual(["DSN", "AUTH PLAIN LOGIN"]);
  });

  test("are found in any letter case", () => {
    expect(hasExtension(announce("a", "StartTLS"), "STARTTLS")).toBe(true);
    expect(hasExtension(announce("a", "XSTARTTLS"), "STARTTLS")).toBe(false);
  });

  test("cannot bring another line to a client, whatever they are", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 12 }), { maxLength: 4 }), (lines) => {
        return localExtensionLines(announce("a", ...lines)).every((line) => /^[\x20-\x7e]+$/.test(line));
      }),
    );
  });
});

describe("the mechanisms of a server", () => {
  test.each([
    ["as the RFC says", ["AUTH PLAIN login CRAM-MD5"], ["PLAIN", "LOGIN", "CRAM-MD5"]],
    ["in the old form", ["AUTH=PLAIN LOGIN"], ["PLAIN", "LOGIN"]],
    ["in both forms", ["AUTH PLAIN", "AUTH=LOGIN PLAIN"], ["PLAIN", "LOGIN"]],
    ["with no mechanism", ["AUTH"], []],
    ["not at all", ["SIZE"], []],
  ])("are read when they are announced %s", (_name, lines, mechanisms) => {
    expect([...offeredMechanisms(announce("a", ...lines))]).toEqual(mechanisms);
  });
});

describe("the name of a server", () => {
  test.each(["mail.test", "mx-1.mail.test", "localhost", "1.example"])("%s is a domain", (name) => {
    expect(domainOf(`${name} ESMTP`)).toBe(name);
  });

  test.each([
    "",
    "-a.test",
    "a-.test",
    "a..test",
    "a_b.test",
    "mail.test.",
    "[127.0.0.1]",
    "m\u00fc.test",
    "a".repeat(256),
  ])("%j is none", (name) => {
    expect(domainOf(name)).toBeUndefined();
  });

  test("is told in no time from one that is made to take long", () => {
    const started = performance.now();
    domainOf(`${"a-".repeat(100_000)}!`);
    domainOf(`${"a.".repeat(127)}!`);
    domainOf(`${"a-".repeat(127)}!`);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
