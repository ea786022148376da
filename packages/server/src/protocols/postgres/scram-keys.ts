import { createHash, createHmac, pbkdf2 } from "node:crypto";
import { promisify } from "node:util";

export const DIGEST = "sha256";
export const DIGEST_BYTES = 32;

const ASCII = /^[\p{ASCII}]*$/u;

/** What both sides make of a password and a salt (RFC 5802 §3). */
export interface ScramKeys {
  readonly clientKey: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** @throws whatever OpenSSL cannot do */
export async function deriveScramKeys(
  password: string,
  { salt, iterations }: { readonly salt: Buffer; readonly iterations: number },
): Promise<ScramKeys> {
  const prepared = await preparePassword(password);
  const salted = await promisify(pbkdf2)(prepared, salt, iterations, DIGEST_BYTES, DIGEST);
  const clientKey = hmac(salted, "Client Key");
  return { clientKey, storedKey: hash(clientKey), serverKey: hmac(salted, "Server Key") };
}

/**
 * SASLprep (RFC 4013), and as it is what that does not allow: so do PostgreSQL and libpq. ASCII stays as it is, and then
 * the library is not loaded: its tables take 9 MB.
 */
export async function preparePassword(password: string): Promise<string> {
  if (ASCII.test(password)) return password;
  const { saslprep } = await import("@mongodb-js/saslprep");
  try {
    return saslprep(password);
  } catch {
    return password;
  }
}

export function hash(data: Buffer): Buffer {
  return createHash(DIGEST).update(data).digest();
}

export function hmac(key: Buffer, data: string): Buffer {
  return createHmac(DIGEST, key).update(data, "latin1").digest();
}

/** Of two digests. */
export function xor(left: Buffer, right: Buffer): Buffer {
  return Buffer.from(left.map((byte, index) => byte ^ (right[index] ?? 0)));
}
