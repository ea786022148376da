import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createHmacSha256 } from "./hmac-sha256.js";

const expected = (key: Uint8Array, message: string | Uint8Array) =>
  createHmac("sha256", key).update(message).digest("base64url");

test("is what OpenSSL makes of any key and message, bytes or text, one after the other", () => {
  const message = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: "grapheme" }));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(message, { maxLength: 5 }), (key, messages) => {
      const hmac = createHmacSha256(key);
      for (const each of messages) expect(hmac.digest(each)).toBe(expected(key, each));
    }),
  );
});

test.each([4095, 4096, 4097, 100_000])(
  "is the same for a message of %i bytes, and for what follows",
  (size) => {
    const key = Buffer.alloc(32, 7);
    const hmac = createHmacSha256(key);
    for (const message of ["x".repeat(size), Buffer.alloc(size, "y"), `${"é".repeat(size / 2)}z`, "short"]) {
      expect(hmac.digest(message)).toBe(expected(key, message));
    }
  },
);

test("does not change with the bytes of its key, and takes none that would have to be hashed", () => {
  const key = Buffer.alloc(32, 7);
  const hmac = createHmacSha256(key);
  key.fill(0);
  expect(hmac.digest("m")).toBe(expected(Buffer.alloc(32, 7), "m"));
  expect(() => createHmacSha256(Buffer.alloc(65))).toThrow(RangeError);
});

test("makes nothing with a key that was wiped", () => {
  const hmac = createHmacSha256(Buffer.alloc(32, 7));
  hmac.destroy();
  expect(() => hmac.digest("m")).toThrow("wiped");
});
