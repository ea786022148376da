import fc from "fast-check";
import { expect } from "vitest";
import { ProtocolViolation } from "../../../wire/protocol-violation.js";
import type { Parsed } from "../../../wire/wire-socket.js";

/** Random bytes, and a right input with a few bytes changed, cut off or put in. */
export function brokenBytes(right: Buffer): fc.Arbitrary<Buffer> {
  const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const mutated = fc
    .tuple(
      fc.array(fc.tuple(fc.nat(right.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
      fc.nat(right.length),
      fc.uint8Array({ maxLength: 8 }),
    )
    .map(([changes, cut, extra]) => {
      const bytes = Buffer.from(right);
      for (const [at, byte] of changes) bytes[at] = byte;
      return Buffer.concat([bytes.subarray(0, cut), extra, bytes.subarray(cut)]);
    });
  const cutOff = fc.nat(right.length).map((length) => right.subarray(0, length));
  return fc.oneof(random, mutated, cutOff);
}

/** Whatever comes, a codec gives something or throws a ProtocolViolation. */
export function neverBreaks(codec: (bytes: Buffer) => unknown, right: Buffer): void {
  fc.assert(
    fc.property(brokenBytes(right), (bytes) => {
      try {
        codec(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolViolation);
      }
    }),
    { numRuns: 500 },
  );
}

/** A message is found when its last byte has come, not before, and whatever follows it. */
export function isFoundWhole<T>(
  parse: (bytes: Buffer) => Parsed<T> | undefined,
  message: Buffer,
): T | undefined {
  for (let length = 0; length < message.length; length += 1)
    expect(parse(message.subarray(0, length))).toBeUndefined();
  const alone = parse(message);
  expect(alone?.length).toBe(message.length);
  expect(parse(Buffer.concat([message, Buffer.from("more")]))).toEqual(alone);
  return alone?.value;
}
