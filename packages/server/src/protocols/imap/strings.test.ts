import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseStrings, type CommandPiece } from "./commands.js";
import { IMAP_LIMITS } from "./limits.js";
import { commandWithStrings } from "./strings.js";

const NONE = ["IMAP4rev1"];
const LITERAL_PLUS = [...NONE, "LITERAL+"];
const LITERAL_MINUS = [...NONE, "LITERAL-"];

describe("a string of a command", () => {
  test.each([
    ["plain", '"plain"'],
    ["", '""'],
    ["  spaces  ", '"  spaces  "'],
    [String.raw`a"b\c`, String.raw`"a\"b\\c"`],
    ["{5+} (a) * %x ] NIL", '"{5+} (a) * %x ] NIL"'],
    ["tab\t", '"tab\t"'],
  ])("%j is quoted", (string, quoted) => {
    expect(commandWithStrings("LOGIN", ["u", string], NONE)).toEqual([`LOGIN "u" ${quoted}\r\n`]);
  });

  test.each([
    ["line\r\nend", 9],
    ["a\rb", 3],
    ["a\nb", 3],
    ["pässwörd", 10],
    ["密码🔑", 10],
    ["x".repeat(IMAP_LIMITS.quotedBytes), IMAP_LIMITS.quotedBytes],
  ])("%j is a literal, which waits until the server asks for it", (string, size) => {
    const commands = commandWithStrings("LOGIN", ["u", string], NONE);
    expect(commands).toEqual([`LOGIN "u" {${size}}\r\n`, `${string}\r\n`]);
  });

  test("waits for nothing where the server offers LITERAL+", () => {
    const long = "ü".repeat(IMAP_LIMITS.shortLiteralBytes);
    expect(commandWithStrings("LOGIN", ["ä", long], LITERAL_PLUS)).toEqual([
      `LOGIN {2+}\r\nä {${2 * IMAP_LIMITS.shortLiteralBytes}+}\r\n${long}\r\n`,
    ]);
  });

  test("waits for nothing where the server offers LITERAL-, if it is short", () => {
    const [short, long] = [
      "\n".repeat(IMAP_LIMITS.shortLiteralBytes),
      "\n".repeat(IMAP_LIMITS.shortLiteralBytes + 1),
    ];
    expect(commandWithStrings("LOGIN", [short, long], LITERAL_MINUS)).toEqual([
      `LOGIN {${IMAP_LIMITS.shortLiteralBytes}+}\r\n${short} {${IMAP_LIMITS.shortLiteralBytes + 1}}\r\n`,
      `${long}\r\n`,
    ]);
  });

  test("command injection: any user name and password arrive as two strings of one command", () => {
    const string = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\0"));
    const awkward = fc
      .array(fc.constantFrom('"', "\\", "\r\n", "{3}", "{3+}", " ", "a", "ü", "\n", "("))
      .map((parts) => parts.join(""));
    const any = fc.oneof(string, awkward);
    fc.assert(
      fc.property(any, any, fc.constantFrom(NONE, LITERAL_PLUS, LITERAL_MINUS), (user, password, offered) => {
        const sent = commandWithStrings("LOGIN", [user, password], offered).join("");
        const strings = parseStrings(piecesOf(Buffer.from(sent).subarray("LOGIN".length)));
        expect(strings?.map((value) => Buffer.from(value, "latin1").toString())).toEqual([user, password]);
      }),
    );
  });
});

/** Reads a command as a server does: lines, and literals by their sizes. */
function piecesOf(bytes: Buffer): CommandPiece[] {
  const lineEnd = bytes.indexOf("\r\n");
  const line = bytes.toString("latin1", 0, lineEnd);
  const [announcement, size] = /\{(\d+)\+?\}$/.exec(line) ?? [];
  if (announcement === undefined) {
    expect(bytes.length).toBe(lineEnd + 2);
    return [{ text: line }];
  }
  const start = lineEnd + 2;
  const end = start + Number(size);
  const literal = bytes.toString("latin1", start, end);
  return [{ text: line.slice(0, -announcement.length), literal }, ...piecesOf(bytes.subarray(end))];
}
