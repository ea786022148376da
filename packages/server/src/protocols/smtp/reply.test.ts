import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { LIMITS } from "./limits.js";
import { formatReply, parseReply, type SmtpReply } from "./reply.js";

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

describe("a reply", () => {
  test.each<[string, string, SmtpReply]>([
    ["of one line", "220 mail.test ESMTP\r\n", { code: 220, lines: ["mail.test ESMTP"] }],
    ["of several lines", "250-a\r\n250-b\r\n250 c\r\n", { code: 250, lines: ["a", "b", "c"] }],
    ["without text", "250\r\n", { code: 250, lines: [""] }],
    ["of lines without text", "250-\r\n250 \r\n", { code: 250, lines: ["", ""] }],
  ])("%s is read", (_name, text, reply) => {
    expect(parseReply(bytes(`${text}250 next\r\n`))).toEqual({ value: reply, length: text.length });
  });

  test("is not whole before its last byte, wherever it is split", () => {
    const reply = bytes("250-mail.test\r\n250-SIZE 1000\r\n250 AUTH PLAIN\r\n");
    for (let length = 0; length < reply.length; length += 1)
      expect(parseReply(reply.subarray(0, length))).toBeUndefined();
    expect(parseReply(reply)?.value.lines).toEqual(["mail.test", "SIZE 1000", "AUTH PLAIN"]);
  });

  test.each([
    ["with lines of different codes", "250-a\r\n220 b\r\n", "the lines of a reply have different codes"],
    ["without a code", "hello\r\n", "a line is no SMTP reply"],
    ["with a code that is none", "650 a\r\n", "a line is no SMTP reply"],
    ["with four digits", "2500 a\r\n", "a line is no SMTP reply"],
    ["with something else behind the code", "250+a\r\n", "a line is no SMTP reply"],
    ["that is empty", "\r\n", "a line is no SMTP reply"],
    ["whose line ends with LF alone", "250-a\n250 b\r\n", "a line ends with a bare LF"],
    ["of HTTP", "HTTP/1.1 200 OK\r\n", "a line is no SMTP reply"],
  ])("%s is refused", (_name, text, message) => {
    expect(() => parseReply(bytes(text))).toThrow(new ProtocolViolation(message));
  });

  test("has no more lines than the limit", () => {
    const lines = (count: number): Buffer => bytes(`${"250-a\r\n".repeat(count - 1)}250 b\r\n`);
    expect(parseReply(lines(LIMITS.replyLines))?.value.lines).toHaveLength(LIMITS.replyLines);
    expect(() => parseReply(lines(LIMITS.replyLines + 1))).toThrow("a reply has too many lines");
    // One that never ends is refused as soon.
    expect(() => parseReply(bytes("250-a\r\n".repeat(LIMITS.replyLines)))).toThrow("too many lines");
  });

  test("is read as it was written", () => {
    const text = fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    });
    const lines = fc.array(text, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 599 }), lines, (code, [first = "", ...others]) => {
        const written = bytes(formatReply(code, first, ...others));
        expect(parseReply(written)).toEqual({
          value: { code, lines: [first, ...others] },
          length: written.length,
        });
      }),
    );
  });

  test("of mutated bytes is read or refused", () => {
    const mutation = fc.tuple(fc.nat(60), fc.nat(255));
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 6 }), (mutations) => {
        const reply = bytes("250-mail.test\r\n250-SIZE 1000\r\n250 AUTH PLAIN LOGIN\r\n");
        for (const [at, byte] of mutations) if (at < reply.length) reply[at] = byte;
        try {
          parseReply(reply);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      }),
    );
  });
});

describe("response splitting", () => {
  test("does not work: a text that is written begins no other line", () => {
    expect(formatReply(421, "4.3.0 a\r\n250 ok", "ü\0")).toBe("421-4.3.0 a??250 ok\r\n421 ??\r\n");
  });
});
