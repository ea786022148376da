import fc from "fast-check";
import { expect, test } from "vitest";
import { AUDIT_ACTIONS, type AuditAction } from "./audit-action.js";
import type { AuditFacts } from "./audit-entry.js";
import { ENTRY_LIMITS } from "./audit-limits.js";
import { createLineMaker } from "./entry-members.js";
import { jsonMembers } from "./json-members.js";

const TOKEN = `tok_${"aZ9-_".repeat(8)}xyz`;
const SECRET = "S3cret-0123456789";
const maker = createLineMaker((text) => text.replaceAll(SECRET, "***"));

const anyText = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[ -~]{0,12}$/) },
  { weight: 6, arbitrary: fc.stringMatching(/^[a-z0-9./?=&-]{0,12}$/) },
  fc.constantFrom(
    SECRET,
    TOKEN,
    "tok_abcdefgh",
    "%2f",
    `%74ok_${"a".repeat(43)}`,
    'a"b',
    "a\\b",
    "a\nb",
    "\u007f",
  ),
  fc.constantFrom("\ud800", "é", "\u202e", "/a?b=c&d", "/a;b=c", "?"),
  fc.nat({ max: 3 }).map((more) => "x".repeat(ENTRY_LIMITS.name - 1 + more)),
  fc.nat({ max: 3 }).map((more) => "y".repeat(ENTRY_LIMITS.justification - 1 + more)),
  fc.nat({ max: 3 }).map((more) => `/${"z".repeat(ENTRY_LIMITS.path - 2 + more)}`),
  fc.string({ unit: "binary", maxLength: 8 }),
);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 4, arbitrary: value }, fc.constant(undefined));
const count = fc.oneof(fc.nat(), fc.maxSafeNat());
const anyFacts: fc.Arbitrary<AuditFacts> = fc.record({
  ...{
    request_id: maybe(anyText),
    token: maybe(anyText),
    token_name: maybe(anyText),
    service: maybe(anyText),
  },
  ...{ method: maybe(anyText), path: maybe(anyText), rule: maybe(anyText), client: maybe(anyText) },
  justification: maybe(anyText),
  decision: fc.oneof({ weight: 5, arbitrary: fc.constant("allow" as const) }, fc.constant("deny" as const)),
  status: maybe(fc.integer({ min: 100, max: 599 })),
  code: maybe(fc.constantFrom("vault_locked" as const, "upstream_timeout" as const)),
  ...{ bytes_in: maybe(count), bytes_out: maybe(count) },
  ms: maybe(fc.oneof(fc.double({ min: 0, max: 1e6 }), fc.double(), count)),
});
const anyAction = fc.constantFrom(...(Object.keys(AUDIT_ACTIONS) as AuditAction[]));
const anyDetails = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  fc.record({ upgrade: anyText, command: anyText, port: count }),
);

test("the members of what was recorded are those of its entry", () => {
  fc.assert(
    fc.property(anyAction, anyFacts, anyDetails, (action, facts, details) => {
      expect(maker.members({ action, facts, details })).toBe(
        jsonMembers(maker.entry(action, facts, details)),
      );
    }),
    { numRuns: 1000 },
  );
});

test("a proxied call's members are put together without an entry, and are the same", () => {
  const facts: AuditFacts = {
    ...{ request_id: "0b5c", token: "tok_abcdefgh", token_name: "bot", service: "github", method: "GET" },
    ...{ path: "/repos/acme/1?page=2", decision: "allow", rule: "triage/2", status: 200, bytes_in: 0 },
    ...{ bytes_out: 1234, ms: 12.345, client: "127.0.0.1", justification: "to see it" },
  };
  expect(maker.members({ action: "proxy", facts, details: undefined })).toBe(
    '"request_id":"0b5c","token":"tok_abcdefgh","token_name":"bot","action":"proxy","service":"github",' +
      '"method":"GET","path":"/repos/acme/1?page=***","decision":"allow","rule":"triage/2","status":200,' +
      '"bytes_in":0,"bytes_out":1234,"ms":12.35,"client":"127.0.0.1","justification":"to see it"',
  );
});

test.each([0, 0.001, 0.01, 0.1, 1, 1.5, 1.05, 10.1, 99.999, 1e6 + 0.07, 1e15, -0.25, NaN, Infinity])(
  "%d milliseconds are written as JSON writes them",
  (ms) => {
    const facts: AuditFacts = { ms, decision: "allow" };
    expect(maker.members({ action: "proxy", facts, details: undefined })).toBe(
      `"action":"proxy","decision":"allow","ms":${JSON.stringify(Math.round(ms * 100) / 100)}`,
    );
  },
);

test("while not all secrets are known, what a caller made is left out of an entry", () => {
  let knowsAll = false;
  const waiting = createLineMaker(
    (text) => text,
    () => knowsAll,
  );
  const facts: AuditFacts = {
    ...{ token_name: "agent", service: "box", path: "/a", justification: "why", decision: "allow" },
  };
  const details = { host: "box.example.com", command: "uptime" };
  expect(JSON.parse(`{${waiting.members({ action: "ssh.exec", facts, details })}}`)).toEqual({
    ...{ action: "ssh.exec", token_name: "agent", service: "box", decision: "allow" },
  });
  expect(waiting.entry("service.update", facts, { auth_type: "bearer" })).toMatchObject({
    ...{ path: undefined, justification: undefined, details: { auth_type: "bearer" } },
  });
  knowsAll = true;
  expect(JSON.parse(`{${waiting.members({ action: "ssh.exec", facts, details })}}`)).toMatchObject({
    ...{ path: "/a", justification: "why", details },
  });
});
