import fc from "fast-check";
import { serialize } from "pg-protocol";
import { describe, expect, test } from "vitest";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { cstring, int32, message, messageParser } from "./message.js";
import { isFoundWhole, neverBreaks } from "./testing/broken-input.js";

const LIMIT = 100;
const parse = messageParser(LIMIT);
const header = (length: number): Buffer => Buffer.concat([Buffer.from("R"), int32(length)]);

describe("a message", () => {
  test("is found when its last byte has come, and not before", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("R", "S", "K", "Z", "E", "N", "v", "p"),
        fc.uint8Array({ maxLength: LIMIT - 5 }).map((body) => Buffer.from(body)),
        (type, body) => {
          const bytes = message(type, body);
          expect(isFoundWhole(parse, bytes)).toEqual({ type, body, bytes });
        },
      ),
    );
  });

  test("is as node-postgres writes it", () => {
    const written = serialize.query("SELECT 1");
    expect(messageParser(LIMIT)(written)?.value).toMatchObject({
      type: "Q",
      body: Buffer.from("SELECT 1\0"),
    });
    expect(message("Q", cstring("SELECT 1"))).toEqual(written);
  });

  test.each([0x7fff_ffff, 0x8000_0000, 0xffff_ffff, LIMIT])(
    "of %i bytes is refused as soon as its length is known",
    (length) => {
      expect(parse(header(length).subarray(0, 4))).toBeUndefined();
      expect(() => parse(header(length))).toThrow(new ProtocolViolation("a message is too long"));
    },
  );

  test("may have as many bytes as the limit says", () => {
    expect(parse(Buffer.concat([header(LIMIT - 1), Buffer.alloc(LIMIT - 5)]))?.length).toBe(LIMIT);
  });

  test.each([0, 1, 3])("whose length is %i, less than that of the length itself, is refused", (length) => {
    expect(() => parse(header(length))).toThrow(/less than its header's/);
  });

  test("of a hostile far end breaks nothing", () => {
    neverBreaks(parse, message("R", Buffer.from("something")));
  });
});

test("a string with a NUL is not written: it would end there", () => {
  expect(() => cstring("user\0database")).toThrow(/NUL/);
});
