import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { IMAP_LIMITS } from "./limits.js";
import { parseResponse } from "./responses.js";

const status = (condition: string, more: object = {}): object => ({
  ...{ kind: "status", tag: undefined, condition, code: undefined, capabilities: undefined },
  ...more,
});
const capabilities = ["IMAP4rev1", "IDLE"];

const EXAMPLES: readonly (readonly [string, object])[] = [
  ["+ \r\n", { kind: "continuation" }],
  ["+\r\n", { kind: "continuation" }],
  ["+ send {5}\r\n", { kind: "continuation" }],
  ["* OK ready\r\n", status("OK")],
  ["* ok\r\n", status("OK")],
  ["* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n", status("OK", { code: "CAPABILITY", capabilities })],
  ["* PREAUTH welcome\r\n", status("PREAUTH")],
  ["* BYE [UNAVAILABLE] no\r\n", status("BYE", { code: "UNAVAILABLE" })],
  ["* NO careful\r\n", status("NO")],
  ["* CAPABILITY IMAP4rev1 IDLE\r\n", { kind: "capability", capabilities }],
  ["v1 OK done\r\n", status("OK", { tag: "v1" })],
  ["v1 OK\r\n", status("OK", { tag: "v1" })],
  ["v1 NO [authenticationfailed] no\r\n", status("NO", { tag: "v1", code: "AUTHENTICATIONFAILED" })],
  ["v1 BAD [X] what\r\n", status("BAD", { tag: "v1", code: "X" })],
  ["v1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n", status("OK", { tag: "v1", code: "CAPABILITY", capabilities })],
  ["v1 NO no literal {99}\r\n", status("NO", { tag: "v1" })],
  ["* 3 EXISTS\r\n", { kind: "data" }],
  ['* ID ("name" {4}\r\n\r\n* "v" ~{0}\r\n)\r\n', { kind: "data" }],
  ["* LIST () {3+}\r\na b INBOX\r\n", { kind: "data" }],
];

describe.each(EXAMPLES)("the response %j", (text, value) => {
  test("is read", () => {
    expect(parseResponse(Buffer.from(text))).toEqual({ value, length: text.length });
  });

  test("is read when its last byte is there, whatever follows", () => {
    for (let length = 0; length < text.length; length += 1)
      expect(parseResponse(Buffer.from(text.slice(0, length)))).toBeUndefined();
    const more = Buffer.from(`${text}* BYE\r\n`);
    for (let length = text.length; length <= more.length; length += 1)
      expect(parseResponse(more.subarray(0, length))).toEqual({ value, length: text.length });
  });
});

test.each([
  "\r\n",
  " OK\r\n",
  "*\r\n",
  "* \r\n",
  "*OK ready\r\n",
  "hello\r\n",
  "v1 PREAUTH x\r\n",
  "v+1 OK x\r\n",
  "* OK bare line feed\n",
  "* OK two\rreturns\r\n",
  "* OK nul\0\r\n",
  "* OK [CAPABILITY IMAP4rev1 \x01] x\r\n",
  "* CAPABILITY\r\n",
  "HTTP/1.1 400 Bad Request\r\n",
  "220 mail ESMTP\r\n",
])("%j is none", (text) => {
  expect(() => parseResponse(Buffer.from(text))).toThrow(ProtocolViolation);
});

test("literal bomb: one that is too long is refused before it comes", () => {
  for (const size of [IMAP_LIMITS.responseBytes, 2 ** 31, 9_999_999_999]) {
    expect(() => parseResponse(Buffer.from(`* X {${size}}\r\n`))).toThrow("a literal is too long");
  }
  expect(parseResponse(Buffer.from(`* X {${IMAP_LIMITS.responseBytes - 100}}\r\n`))).toBeUndefined();
});

test("of any bytes, a response is taken, waited for, or refused", () => {
  const likely = fc.constantFrom(
    ...'*+ v1OKNBYE[]{}()0123\r\n"\\'.split(""),
    "\r\n",
    " OK ",
    "* ",
    "CAPABILITY ",
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
    fc.array(likely, { maxLength: 60 }).map((parts) => Buffer.from(parts.join(""))),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      let parsed: ReturnType<typeof parseResponse>;
      try {
        parsed = parseResponse(input);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolViolation);
        return;
      }
      if (parsed === undefined) return;
      expect(parsed.length).toBeGreaterThan(0);
      expect(parsed.length).toBeLessThanOrEqual(input.length);
      expect(parseResponse(input.subarray(0, parsed.length))).toEqual(parsed);
    }),
    { numRuns: 2000 },
  );
});
