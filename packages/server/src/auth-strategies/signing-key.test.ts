import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { compactVerify } from "jose";
import { describe, expect, test } from "vitest";
import { signJsonWebToken } from "./json-web-token.js";
import { readSigningKey } from "./signing-key.js";

const pem = (type: "pkcs1" | "pkcs8" | "sec1") => ({ type, format: "pem" as const });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const ed25519 = generateKeyPairSync("ed25519").privateKey;

const GOOD = [
  ["RS256", "PKCS #8", rsa, rsa.export(pem("pkcs8"))],
  ["RS256", "PKCS #1", rsa, rsa.export(pem("pkcs1"))],
  ["ES256", "PKCS #8", p256, p256.export(pem("pkcs8"))],
  ["ES256", "SEC 1", p256, p256.export(pem("sec1"))],
  ["EdDSA", "PKCS #8", ed25519, ed25519.export(pem("pkcs8"))],
] as const;

describe("a key for JWTs", () => {
  test.each(GOOD)("signs with %s from %s", async (algorithm, _, key, text) => {
    const signing = await readSigningKey(String(text), "auth.key", algorithm);
    const token = await signJsonWebToken({ iss: "me" }, signing, "kid-1");
    const { protectedHeader } = await compactVerify(token, createPublicKey(key));
    expect(protectedHeader).toEqual({ alg: algorithm, typ: "JWT", kid: "kid-1" });
  });

  test("makes signatures that another implementation verifies", async () => {
    const token = await signJsonWebToken({}, await readSigningKey(String(GOOD[0][3]), "f"), undefined);
    const [header = "", payload = "", signature = ""] = token.split(".");
    const isGood = verify(
      "sha256",
      Buffer.from(`${header}.${payload}`),
      createPublicKey(rsa),
      Buffer.from(signature, "base64url"),
    );
    expect(isGood).toBe(true);
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({ alg: "RS256", typ: "JWT" });
  });

  test.each([
    [
      "too small",
      generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export(pem("pkcs8")),
      /1024 bits/,
    ],
    ["encrypted", rsa.export({ ...pem("pkcs8"), cipher: "aes-256-cbc", passphrase: "x" }), /encrypted/],
    [
      "on another curve",
      generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey.export(pem("pkcs8")),
      /P-256/,
    ],
    ["of another kind", generateKeyPairSync("x25519").privateKey.export(pem("pkcs8")), /neither RSA/],
    ["a public one", createPublicKey(rsa).export({ type: "spki", format: "pem" }), /no private key/],
    ["no key", "hello", /no private key/],
    ["empty", "", /no private key/],
  ])("is refused if it is %s", async (_, text, reason) => {
    const refused = readSigningKey(String(text), "auth.key_file");
    await expect(refused).rejects.toThrow(reason);
    await expect(refused).rejects.toMatchObject({ code: "invalid_request" });
    await expect(refused).rejects.toThrow(/^auth\.key_file: /);
  });

  test("is refused for an algorithm that it is not for", async () => {
    await expect(readSigningKey(String(GOOD[2][3]), "auth.key", "RS256")).rejects.toThrow(
      /for ES256, not for RS256/,
    );
  });
});
