import { hash } from "node:crypto";

/** `tok_` and 43 base64url characters: 256 random bits (RFC 4648 §5, without padding). */
const TOKEN_PATTERN = /^tok_[A-Za-z0-9_-]{43}$/;
const TOKEN_BYTES = 32;
/** How every token begins. */
export const TOKEN_START = "tok_";
const SHOWN_PREFIX_LENGTH = TOKEN_START.length + 8;

export function isToken(value: string): boolean {
  return TOKEN_PATTERN.test(value);
}

/** A new token from `randomBytes`, a source of cryptographically strong bytes. */
export function newToken(randomBytes: (size: number) => Buffer): string {
  return `${TOKEN_START}${randomBytes(TOKEN_BYTES).toString("base64url")}`;
}

/** SHA-256, hexadecimal. A token has 256 bits of entropy, so no salt or slow hash is needed. */
export function digestToken(token: string): string {
  return hash("sha256", token);
}

/** The part of a token that may be shown and logged. */
export function tokenPrefix(token: string): string {
  return token.slice(0, SHOWN_PREFIX_LENGTH);
}
