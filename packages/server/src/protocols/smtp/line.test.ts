import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { parseLine } from "./line.js";

describe("a line", () => {
  test("ends with CRLF, and leaves alone what follows", () => {
    expect(parseLine(Buffer.from("NOOP\r\nDATA\r\n"))).toEqual({ value: Buffer.from("NOOP"), length: 6 });
  });

  test("may be empty, and hold tabs and eight-bit characters", () => {
    expect(parseLine(Buffer.from("\r\n"))).toEqual({ value: Buffer.alloc(0), length: 2 });
    expect(parseLine(Buffer.from("a\tö\r\n"))?.value.toString()).toBe("a\tö");
  });

  test("is not whole before its last byte", () => {
    const line = Buffer.from("MAIL FROM:<ö@mail.test>\r\n");
    for (let length = 0; length < line.length; length += 1)
      expect(parseLine(line.subarray(0, length))).toBeUndefined();
    expect(parseLine(line)?.length).toBe(line.length);
  });

  test.each([
    ["SMTP smuggling by a bare LF", "NOOP\nMAIL FROM:<>\r\n", "a line ends with a bare LF"],
    ["SMTP smuggling by a bare CR", "NOOP\rMAIL FROM:<>\r\n", "a line holds a bare CR"],
    ["two CRs before the LF", "NOOP\r\r\n", "a line holds a bare CR"],
    ["a NUL, behind which C programs see nothing", "NOOP\0 x\r\n", "a line holds a control character"],
    ["an escape sequence", "NOOP \x1b[2J\r\n", "a line holds a control character"],
    ["a DEL", "NOOP \x7f\r\n", "a line holds a control character"],
    ["a TLS handshake, at its first bytes", "\x16\x03\x01", "a line holds a control character"],
  ])("is refused with %s", (_name, text, message) => {
    expect(() => parseLine(Buffer.from(text, "latin1"))).toThrow(new ProtocolViolation(message));
  });

  test("is found as it was, or is refused, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const all = Buffer.from(bytes);
        try {
          const parsed = parseLine(all);
          if (parsed === undefined) return;
          expect(all.subarray(0, parsed.length).toString("latin1")).toBe(
            `${parsed.value.toString("latin1")}\r\n`,
          );
          for (const ender of [0x0d, 0x0a, 0]) expect(parsed.value.includes(ender)).toBe(false);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      }),
    );
  });
});
