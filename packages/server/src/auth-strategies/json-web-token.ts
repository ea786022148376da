import { SignJWT, type JWTPayload } from "jose";
import type { SigningKey } from "./signing-key.js";

/** @param claims RFC 7519 §4; times in unix seconds */
export function signJsonWebToken(
  claims: JWTPayload,
  { algorithm, key }: SigningKey,
  keyId: string | undefined,
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, typ: "JWT", ...(keyId === undefined ? {} : { kid: keyId }) })
    .sign(key);
}
