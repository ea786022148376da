import { hash } from "node:crypto";

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
/** Longer messages get memory of their own. */
const USUAL_BYTES = 4 * 1024;
/** UTF-8 of a UTF-16 unit. */
const MOST_BYTES_OF_UNIT = 3;

/** HMAC-SHA-256 by one key. */
export interface HmacSha256 {
  /** Of the bytes, or of the text's UTF-8; base64url. */
  digest(message: string | Uint8Array): string;
  /** Wipes the key. @throws Error from then on */
  destroy(): void;
}

/**
 * HMAC (RFC 2104 §2) in two one-shot hashes: every call that the audit log records needs one, and an `Hmac` object of
 * `node:crypto` costs twice as much, and the garbage collector again.
 *
 * @param key at most 64 bytes; it is copied
 */
export function createHmacSha256(key: Uint8Array): HmacSha256 {
  if (key.length > BLOCK_BYTES) throw new RangeError("the key is longer than a block");
  const inner = Buffer.alloc(BLOCK_BYTES + USUAL_BYTES);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);
  for (let index = 0; index < BLOCK_BYTES; index += 1) {
    inner[index] = (key[index] ?? 0) ^ INNER_PAD;
    outer[index] = (key[index] ?? 0) ^ OUTER_PAD;
  }
  let isDestroyed = false;

  function innerDigest(message: string | Uint8Array): string {
    const most = typeof message === "string" ? message.length * MOST_BYTES_OF_UNIT : message.length;
    const isUsual = most <= USUAL_BYTES;
    const bytes = isUsual ? inner : Buffer.alloc(BLOCK_BYTES + most);
    if (!isUsual) inner.copy(bytes, 0, 0, BLOCK_BYTES);
    let length = message.length;
    if (typeof message === "string") length = bytes.write(message, BLOCK_BYTES, "utf8");
    else bytes.set(message, BLOCK_BYTES);
    const digest = hash("sha256", bytes.subarray(0, BLOCK_BYTES + length), "binary");
    if (!isUsual) bytes.fill(0, 0, BLOCK_BYTES);
    return digest;
  }

  return {
    digest(message) {
      // A key of zeros would make digests that anybody can make.
      if (isDestroyed) throw new Error("the key has been wiped");
      outer.write(innerDigest(message), BLOCK_BYTES, "latin1");
      return hash("sha256", outer, "base64url");
    },
    destroy() {
      isDestroyed = true;
      inner.fill(0);
      outer.fill(0);
    },
  };
}
