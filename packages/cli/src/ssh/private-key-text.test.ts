import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";

import { isEncryptedKey } from "./private-key-text.js";

const SECRET = { cipher: "aes-256-cbc", passphrase: "p" };

function openSsh(cipher: string): string {
  const name = Buffer.from(cipher);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  const body = Buffer.concat([Buffer.from("openssh-key-v1\0"), length, name, Buffer.alloc(40)]);
  const lines = body.toString("base64").replace(/(.{20})/g, "$1\n");
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

test("keys of every format tell whether they are encrypted", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  for (const type of ["pkcs8", "sec1"] as const) {
    expect(isEncryptedKey(privateKey.export({ type, format: "pem" }).toString()), type).toBe(false);
    const sealed = privateKey.export({ type, format: "pem", ...SECRET }).toString();
    expect(isEncryptedKey(sealed), type).toBe(true);
  }
  expect(isEncryptedKey(openSsh("none"))).toBe(false);
  expect(isEncryptedKey(openSsh("aes256-ctr"))).toBe(true);
  const putty = (cipher: string): string => `PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: ${cipher}\n`;
  expect(isEncryptedKey(putty("none"))).toBe(false);
  expect(isEncryptedKey(putty("aes256-cbc"))).toBe(true);
});

test("whatever is no key needs no passphrase, and breaks nothing", () => {
  for (const body of ["", "AAAA", "b3BlbnNzaC1rZXktdjEA", "!!"]) {
    const text = `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n-----END OPENSSH PRIVATE KEY-----`;
    expect(isEncryptedKey(text), body).toBe(false);
  }
  fc.assert(fc.property(fc.string(), (text) => void isEncryptedKey(text)));
});
