import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeTrailer, parseTrailer } from "./trailer.js";
import { DamagedVaultFileError } from "./vault-file-error.js";

test("a trailer is read back as it was written", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), fc.nat(20), (generation, count) => {
      const segments = Array.from({ length: count }, () => ({
        id: randomBytes(16),
        digest: randomBytes(32),
      }));
      const trailer = { headerDigest: randomBytes(32), generation, segments };
      expect(parseTrailer(encodeTrailer(trailer))).toEqual(trailer);
    }),
  );
});

test("a trailer of any other length is refused", () => {
  const bytes = encodeTrailer({
    headerDigest: randomBytes(32),
    generation: 1,
    segments: [{ id: randomBytes(16), digest: randomBytes(32) }],
  });
  for (let length = 0; length < bytes.length; length += 1) {
    expect(() => parseTrailer(bytes.subarray(0, length))).toThrow(DamagedVaultFileError);
  }
  expect(() => parseTrailer(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(DamagedVaultFileError);
});

test("arbitrary bytes are a trailer or refused, and a count is believed only if the bytes are there", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        expect(encodeTrailer(parseTrailer(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(DamagedVaultFileError);
      }
    }),
  );
  const hostile = Buffer.alloc(44);
  hostile.writeUInt32BE(0xffff_ffff, 40);
  expect(() => parseTrailer(hostile)).toThrow(DamagedVaultFileError);
});
