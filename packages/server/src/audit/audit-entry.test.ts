import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AUDIT_ACTIONS, type AuditAction } from "./audit-action.js";
import { createEntryMaker } from "./audit-entry.js";
import { ENTRY_LIMITS, LINE_BYTES } from "./audit-limits.js";
import { CHAIN_START, parseLine } from "./chain.js";
import { jsonMembers } from "./json-members.js";
import { sealedText } from "./testing/sealed-text.js";
import { keyOf } from "./testing/written-log.js";

const TOKEN = `tok_${"aZ9-_".repeat(8)}xyz`;
const SECRET = "S3cret-0123456789";
const make = createEntryMaker((text) => text.replaceAll(SECRET, "*****"));

describe("a path in an entry", () => {
  test.each([
    ["/a/b?x=1&y=2", "/a/b?x=***&y=***"],
    ["/a?x=1=2&&y=", "/a?x=***&***&y=***"],
    ["/a?sk-live-123", "/a?***"],
    ["/a?", "/a?"],
    ["/a?b=/c?d=e", "/a?b=***"],
    [`/${SECRET}/x`, "/*****/x"],
    [`/a?${SECRET}=1`, "/a?*****=***"],
    [`/a/${TOKEN}/b`, "/a/***/b"],
    [`/a/${TOKEN.replace("tok_", "tok%5F")}/b`, "/a/***/b"],
    [`/a/${TOKEN.replace("tok_", "%2574ok_")}/b`, "/a/***/b"],
    [`/a?${TOKEN.replace("tok_", "%74ok_")}=1`, "/a?***=***"],
    ["/a%2Fb/%zz/%", "/a%2Fb/%zz/%"],
  ])("%s is %s", (path, expected) => {
    expect(make("proxy", { path, decision: "allow" }).path).toBe(expected);
  });

  test("has no value of a query, whatever it is", () => {
    fc.assert(
      fc.property(fc.webPath(), fc.array(fc.stringMatching(/^[a-z0-9/?=%.-]{0,10}$/)), (path, values) => {
        const query = values.map((value, index) => `p${index}=VALUE${value}`).join("&");
        expect(make("proxy", { path: `${path}?${query}`, decision: "allow" }).path).not.toContain("VALUE");
      }),
    );
  });
});

test.each([
  ["/a#key=VALUE", "/a#key=***"],
  ["/a;key=VALUE/b;x=VALUE?y=VALUE", "/a;key=***/b;x=***?y=***"],
  ["/a;key=VALUE/b", "/a;key=***/b"],
  ["/a%3Fkey=VALUE", "/a%3Fkey=***"],
  ["/a%253fkey=VALUE&VALUE", "/a%253fkey=***&***"],
])("of a refused %s no value is kept", (path, expected) => {
  expect(make("proxy", { path, decision: "deny" }).path).toBe(expected);
  expect(make("proxy", { path: "/a;v=1/b", decision: "allow" }).path).toBe("/a;v=1/b");
});

test.each([
  ...["request_id", "token", "token_name", "service", "method", "path", "rule", "client", "justification"],
])("a secret is masked where only the %s holds one", (name) => {
  const entry = make("proxy", { [name]: `x${SECRET}y`, decision: "allow" });
  expect(JSON.stringify(entry)).toContain("x*****y");
  expect(JSON.stringify(entry)).not.toContain(SECRET);
});

test("every text of an entry is masked, in details too, and no vault token stands in any", () => {
  const text = `x ${SECRET} ${TOKEN} y`;
  const facts = {
    ...{ request_id: text, token: text, token_name: text, service: text, method: text, path: text },
    ...{ rule: text, client: text, justification: text, decision: "deny" as const },
  };
  const entry = make("ssh.exec", facts, {
    command: text,
    host: text,
    signal: text,
    exit_code: 1,
    truncated: true,
  });
  const json = JSON.stringify(entry);
  expect(json).not.toContain(SECRET);
  expect(json).not.toContain("tok_");
  expect(entry.details).toEqual({
    ...{
      command: "x ***** *** y",
      host: "x ***** *** y",
      signal: "x ***** *** y",
      exit_code: 1,
      truncated: true,
    },
  });
});

test("a secret that the bound of a text would cut through is masked all the same", () => {
  const justification = "x".repeat(ENTRY_LIMITS.justification - 5) + SECRET;
  expect(make("proxy", { justification, decision: "allow" }).justification).not.toContain("S3cre");
});

test("texts are bounded and say by how much they were cut; half a character is none", () => {
  const entry = make("proxy", {
    justification: `${"a".repeat(499)}😀b`,
    method: "\ud800x",
    decision: "allow",
  });
  expect(entry.justification).toBe(`${"a".repeat(499)}\ufffd…[+2]`);
  expect(entry.method).toBe("\ufffdx");
});

test("what is no detail of the action, or of another kind than it should be, is left out", () => {
  const details = { command: { secret: SECRET }, exit_code: "1", more: "x", host: "h" } as object;
  expect(make("ssh.exec", { decision: "allow" }, details).details).toEqual({ host: "h" });
});

test("control characters, separators and direction marks are escaped in a line", () => {
  const text = "a\u0000\n\r\u001b[2J\u007f\u0085\u2028\u202e\u2066\ufeffb";
  const members = jsonMembers(make("proxy", { justification: text, decision: "allow" }));
  expect(members).toMatch(/^[\x20-\x7e]*$/);
  expect(JSON.parse(`{${members}}`)).toMatchObject({ justification: text });
});

test("no entry makes a line longer than lines may be", () => {
  const long = "\u0001".repeat(100_000);
  const facts = {
    ...{ request_id: long, token: long, token_name: long, service: long, method: long, path: long },
    ...{ rule: long, client: long, justification: long, decision: "deny" as const },
  };
  for (const [action, kinds] of Object.entries(AUDIT_ACTIONS)) {
    expect(Object.keys(kinds).length).toBeLessThanOrEqual(ENTRY_LIMITS.details);
    const details = Object.fromEntries(Object.keys(kinds).map((name) => [name, long]));
    const members = jsonMembers(make(action as AuditAction, facts, details));
    const { text } = sealedText(CHAIN_START, `"time":"${new Date(0).toISOString()}",${members}`, keyOf("k"));
    expect(text.length).toBeLessThan(LINE_BYTES);
  }
});

test("whatever stands in an entry, its line is one line and is read back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), (a, b) => {
      const entry = make(
        "ssh.exec",
        { token_name: a, justification: b, decision: "allow" },
        { command: b + a },
      );
      const { text, end } = sealedText(CHAIN_START, jsonMembers(entry), keyOf("k"));
      expect(text.indexOf("\n")).toBe(text.length - 1);
      const read = parseLine(Buffer.from(text.slice(0, -1)))!;
      expect(read.end).toEqual(end);
      expect(read.fields).toMatchObject({ token_name: entry.token_name, details: entry.details });
      expect(keyOf("k").mac(read.mac!.covered)).toBe(read.mac!.value);
    }),
  );
});

test("a longer line than any entry makes is not read, however well it is made", () => {
  const read = (characters: number): unknown => {
    const { text } = sealedText(CHAIN_START, `"action":"${"x".repeat(characters)}"`, undefined);
    return parseLine(Buffer.from(text.slice(0, -1)));
  };
  expect(read(LINE_BYTES - 1_000)).toBeDefined();
  expect(read(LINE_BYTES)).toBeUndefined();
});
