import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTerminalFrame } from "./terminal-frames.js";

const side = fc.integer({ min: 1, max: 1000 });
const frame = (cols: number, rows: number): Buffer => {
  const bytes = Buffer.alloc(5, 1);
  bytes.writeUInt16BE(cols, 1);
  bytes.writeUInt16BE(rows, 3);
  return bytes;
};

describe("a binary message of a client", () => {
  test("makes the terminal as large as it says", () => {
    expect(readTerminalFrame(Buffer.from([1, 0, 120, 0, 40]))).toEqual({ cols: 120, rows: 40 });
    fc.assert(
      fc.property(side, side, (cols, rows) => {
        expect(readTerminalFrame(frame(cols, rows))).toEqual({ cols, rows });
      }),
    );
  });

  test("is read from wherever it stands in its buffer", () => {
    fc.assert(
      fc.property(side, side, fc.uint8Array({ maxLength: 9 }), (cols, rows, before) => {
        const whole = Buffer.concat([before, frame(cols, rows), Buffer.from([9])]);
        const message = whole.subarray(before.length, before.length + 5);
        expect(readTerminalFrame(message)).toEqual({ cols, rows });
      }),
    );
  });

  test.each([
    ["no columns", 0, 24],
    ["no rows", 80, 0],
    ["too many columns", 1001, 24],
    ["too many rows", 80, 1001],
    ["the largest that two bytes can say", 65535, 65535],
  ])("with %s is none", (_, cols, rows) => {
    expect(readTerminalFrame(frame(cols, rows))).toBeUndefined();
  });

  test("of any other bytes is none", () => {
    const isResize = (bytes: Uint8Array): boolean => bytes.length === 5 && bytes[0] === 1;
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 12 }).filter((bytes) => !isResize(bytes)),
        (bytes) => {
          expect(readTerminalFrame(bytes)).toBeUndefined();
        },
      ),
    );
    for (const length of [0, 1, 2, 3, 4, 6]) {
      expect(readTerminalFrame(Buffer.alloc(length, 1))).toBeUndefined();
    }
    expect(readTerminalFrame(Buffer.from([2, 0, 80, 0, 24]))).toBeUndefined();
  });
});
