import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { literalAnnouncement, parseCommandLine, parseStrings, parseTextLine } from "./commands.js";
import { IMAP_LIMITS } from "./limits.js";

const longestTag = "t".repeat(IMAP_LIMITS.tagBytes);

const EXAMPLES: readonly (readonly [string, object])[] = [
  ["a1 NOOP\r\n", { tag: "a1", name: "NOOP", text: "" }],
  ["a1 noop\n", { tag: "a1", name: "NOOP", text: "" }],
  ["A.1]-x LoGiN user pass\r\n", { tag: "A.1]-x", name: "LOGIN", text: " user pass" }],
  [". LOGIN {4+}\r\n", { tag: ".", name: "LOGIN", text: " {4+}" }],
  ['1 ID ("a" "ü")\r\n', { tag: "1", name: "ID", text: ' ("a" "\xc3\xbc")' }],
  ["a X-COMMAND-9 \r\n", { tag: "a", name: "X-COMMAND-9", text: " " }],
  [`${longestTag} ${"x".repeat(32)}\r\n`, { tag: longestTag, name: "X".repeat(32), text: "" }],
];

describe.each(EXAMPLES)("the command %j", (text, value) => {
  test("is read when its last byte is there, whatever follows", () => {
    const bytes = Buffer.from(text);
    for (let length = 0; length < bytes.length; length += 1)
      if (length > 0) expect(parseCommandLine(bytes.subarray(0, length))).toBeUndefined();
    const more = Buffer.concat([bytes, Buffer.from([0xff, 0, 13])]);
    for (let length = bytes.length; length <= more.length; length += 1)
      expect(parseCommandLine(more.subarray(0, length))).toEqual({ value, length: bytes.length });
  });
});

test.each([
  ["cross-protocol request: HTTP from a browser", "GET /"],
  ["cross-protocol request: HTTP with an absolute target", "GET http:"],
  ["cross-protocol request: CONNECT", "CONNECT mail."],
  ["a TLS handshake", "\x16"],
  ["an SSLRequest of PostgreSQL", "\0"],
  ["a request of Redis", "*"],
  ["an empty line", "\r"],
  ["an empty line of a line feed", "\n"],
  ["a tag and nothing else", "a\r"],
  ["a tag and a space", "a \r"],
  ["two spaces", "a  "],
  ["response splitting: a tag with a line end", "a\n"],
  ["a tag with a plus, which would look like a continuation", "+"],
  ["a tag with a quote", 'a"'],
  ["a tag with a control character", "a\x01"],
  ["a tag that is not ASCII", "\xff"],
  ["a tag that is too long", `${longestTag}t`],
  ["a name that is too long", `a ${"x".repeat(33)}`],
  ["a carriage return behind the name", "a NOOP\rx"],
])("%s is refused at its first wrong byte", (_name, text) => {
  const bytes = Buffer.from(text, "latin1");
  expect(() => parseCommandLine(bytes)).toThrow("this is not an IMAP command");
  if (bytes.length > 1) expect(parseCommandLine(bytes.subarray(0, -1))).toBeUndefined();
});

test.each(["a\0b\n", "a\rb\r\n", "a\r\r\n"])("a line like %j is refused", (text) => {
  expect(() => parseTextLine(Buffer.from(text))).toThrow(ProtocolViolation);
});

test.each([
  [" {12}", { text: " ", size: 12, isSynchronizing: true }],
  [" user {0+}", { text: " user ", size: 0, isSynchronizing: false }],
  [" ~{7}", { text: " ", size: 7, isSynchronizing: true }],
  [" {99999999999999999999+}", { text: " ", size: 1e20, isSynchronizing: false }],
  [" {12} ", undefined],
  [" {-1}", undefined],
  [" {}", undefined],
])("the announcement of a literal in %j", (text, announcement) => {
  expect(literalAnnouncement(text)).toEqual(announcement);
});

describe("the arguments", () => {
  test.each([
    ['" "', [{ text: ' " "' }], [" "]],
    ["user pass", [{ text: " user pass" }], ["user", "pass"]],
    ["what only careless clients send", [{ text: " us%er* p\\a]ss}\xfc" }], ["us%er*", "p\\a]ss}\xfc"]],
    ["quoted", [{ text: String.raw` "a \"b\" \\" ""` }], [String.raw`a "b" \ `.trim(), ""]],
    [
      "two literals",
      [{ text: " ", literal: "a b" }, { text: " ", literal: "\r\n" }, { text: "" }],
      ["a b", "\r\n"],
    ],
    ["a quoted string and a literal", [{ text: ' "a" ', literal: "" }, { text: "" }], ["a", ""]],
    ["a literal and an atom", [{ text: " ", literal: "a" }, { text: " b" }], ["a", "b"]],
    ["none", [{ text: "" }], []],
  ])("%s are read", (_name, pieces, strings) => {
    expect(parseStrings(pieces)).toEqual(strings);
  });

  test.each([
    ["an open quote", [{ text: ' "a' }]],
    ["a wrong escape", [{ text: String.raw` "\a"` }]],
    ["quotes without a space", [{ text: ' "a""b"' }]],
    ["a list", [{ text: " (a b)" }]],
    ["a space too many", [{ text: " a  b" }]],
    ["a space at the end", [{ text: " a b " }]],
    ["a literal without a space", [{ text: " a", literal: "b" }, { text: "" }]],
    ["a literal in quotes", [{ text: ' "', literal: "b" }, { text: '"' }]],
    ["text right behind a literal", [{ text: " ", literal: "b" }, { text: "c" }]],
  ])("%s are none", (_name, pieces) => {
    expect(parseStrings(pieces)).toBeUndefined();
  });
});

test("of any bytes, a command is taken, waited for, or refused", () => {
  const likely = fc.constantFrom(
    "a",
    "1",
    " ",
    "LOGIN",
    '"',
    "\\",
    "{",
    "3",
    "+",
    "}",
    "\r",
    "\n",
    "\0",
    "*",
    "\xff",
  );
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 200 }).map((array) => Buffer.from(array)),
    fc.array(likely, { minLength: 1, maxLength: 60 }).map((parts) => Buffer.from(parts.join(""), "latin1")),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      let parsed: ReturnType<typeof parseCommandLine>;
      try {
        parsed = parseCommandLine(input);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolViolation);
        return;
      }
      if (parsed === undefined) return;
      const { value, length } = parsed;
      expect(parseCommandLine(input.subarray(0, length))).toEqual(parsed);
      expect(`${value.tag} ${value.name}`).toMatch(/^[!-~]+ [A-Z0-9-]+$/);
      expect(value.text).not.toMatch(/[\r\n\0]/);
      parseStrings([{ text: literalAnnouncement(value.text)?.text ?? value.text }]);
    }),
    { numRuns: 2000 },
  );
});
