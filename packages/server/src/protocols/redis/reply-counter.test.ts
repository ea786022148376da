import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { REDIS_LIMITS } from "./limits.js";
import { createReplyCounter } from "./reply-counter.js";

const text = fc.string({ unit: fc.constantFrom("a", "*", "$", " ", "1", "\0"), maxLength: 8 });
const bulkText = fc.string({ unit: fc.constantFrom("a", "\r", "\n", "*", "$", "1"), maxLength: 8 });

const { reply } = fc.letrec<{ reply: string; leaf: string; aggregate: string }>((tie) => ({
  leaf: fc.oneof(
    fc.tuple(fc.constantFrom("+", "-", ":", ",", "("), text).map(([type, value]) => `${type}${value}\r\n`),
    fc.constantFrom(
      "_\r\n",
      "#t\r\n",
      "#f\r\n",
      "$-1\r\n",
      "*-1\r\n",
      "*0\r\n",
      "%0\r\n",
      "~0\r\n",
      "$0\r\n\r\n",
    ),
    fc
      .tuple(fc.constantFrom("$", "!", "="), bulkText)
      .map(([type, value]) => `${type}${value.length}\r\n${value}\r\n`),
  ),
  aggregate: fc.oneof(
    fc
      .tuple(fc.constantFrom("*", "~"), fc.array(tie("reply"), { maxLength: 4 }))
      .map(([type, items]) => `${type}${items.length}\r\n${items.join("")}`),
    fc
      .array(fc.tuple(tie("reply"), tie("reply")), { maxLength: 3 })
      .map((pairs) => `%${pairs.length}\r\n${pairs.flat().join("")}`),
    fc
      .tuple(fc.array(fc.tuple(tie("reply"), tie("reply")), { maxLength: 2 }), tie("reply"))
      .map(([pairs, value]) => `|${pairs.length}\r\n${pairs.flat().join("")}${value}`),
  ),
  reply: fc.oneof({ depthSize: "small" }, tie("leaf"), tie("aggregate")),
}));
const push = fc
  .array(reply, { minLength: 1, maxLength: 3 })
  .map((items) => `>${items.length}\r\n${items.join("")}`);

describe("a counter of replies", () => {
  test("finds the end of each reply, at every split, and counts no pushes", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(reply, fc.option(push)), { maxLength: 4 }), (list) => {
        const counter = createReplyCounter();
        let counted = 0;
        for (const [index, [value, pushed]] of list.entries()) {
          const bytes = Buffer.from(value, "latin1");
          for (let at = 0; at < bytes.length; at += 1) {
            expect(counted).toBe(index);
            counted += counter.count(bytes.subarray(at, at + 1));
            expect(counter.isAtBoundary).toBe(at === bytes.length - 1);
          }
          if (pushed !== null) counted += counter.count(Buffer.from(pushed, "latin1"));
          expect(counter.isAtBoundary).toBe(true);
        }
        const whole = list.map(([value, pushed]) => value + (pushed ?? "")).join("");
        expect(createReplyCounter().count(Buffer.from(whole, "latin1"))).toBe(list.length);
      }),
    );
  });

  test("of any bytes comes to an end, and throws nothing but a violation", () => {
    const piece = fc.oneof(
      fc.constantFrom("*", "$", "%", ">", "|", "\r\n", "1", "-1", "9", "+", "?", "0"),
      fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          createReplyCounter().count(Buffer.from(pieces.join(""), "latin1"));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("keeps nothing of a reply, however long it says it is", () => {
    const counter = createReplyCounter();
    expect(counter.count(Buffer.from("$9999999999\r\n"))).toBe(0);
    const megabyte = Buffer.alloc(1024 * 1024);
    for (let count = 0; count < 64; count += 1) expect(counter.count(megabyte)).toBe(0);
    expect(createReplyCounter().count(Buffer.from("*9999999999\r\n+OK\r\n"))).toBe(0);
  });

  test.each(["HTTP/1.1 200 OK\r\n", "\x15\x03\x01", "$?\r\n", "*?\r\n", "$+1\r\n", "*x\r\n", "$\r\n"])(
    "%j is no reply",
    (bytes) => {
      expect(() => createReplyCounter().count(Buffer.from(bytes, "latin1"))).toThrow(ProtocolViolation);
    },
  );
});

describe("limits of replies", () => {
  const count = (bytes: string): number => createReplyCounter().count(Buffer.from(bytes));

  test("numberDigits: a longer length is refused before its line ends", () => {
    expect(count(`$${"9".repeat(REDIS_LIMITS.numberDigits)}`)).toBe(0);
    expect(() => count(`$${"9".repeat(REDIS_LIMITS.numberDigits + 1)}`)).toThrow("too long");
  });

  test("replyDepth: a deeper reply is refused", () => {
    const nested = (depth: number): string => `${"*1\r\n".repeat(depth)}:1\r\n`;
    expect(count(nested(REDIS_LIMITS.replyDepth))).toBe(1);
    expect(() => count(nested(REDIS_LIMITS.replyDepth + 1))).toThrow("too deep");
  });
});
