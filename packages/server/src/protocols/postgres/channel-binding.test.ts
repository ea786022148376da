import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { tlsServerEndPoint } from "./channel-binding.js";
import { brokenBytes } from "./testing/broken-input.js";

const directory = mkdtempSync(join(tmpdir(), "vault-proxy-test-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** A certificate in DER, signed by its own key. */
function certificate(...options: readonly string[]): Buffer {
  const subject = ["-subj", "/CN=upstream", "-days", "2", "-keyout", join(directory, "key.pem")];
  const pem = execFileSync("openssl", ["req", "-x509", "-nodes", ...options, ...subject], { stdio: "pipe" });
  return new X509Certificate(pem).raw;
}

const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const rsaKey = join(directory, "rsa.pem");
execFileSync("openssl", ["genrsa", "-out", rsaKey, "2048"], { stdio: "pipe" });
const RSA = ["-key", rsaKey];
const PSS = [...RSA, "-sigopt", "rsa_padding_mode:pss"];

describe("tls-server-end-point is the certificate's hash by", () => {
  test.each([
    { signed: "ECDSA and SHA-256", options: [...EC, "-sha256"], hash: "sha256" },
    { signed: "ECDSA and SHA-224", options: [...EC, "-sha224"], hash: "sha224" },
    { signed: "ECDSA and SHA-384", options: [...EC, "-sha384"], hash: "sha384" },
    { signed: "ECDSA and SHA-512", options: [...EC, "-sha512"], hash: "sha512" },
    { signed: "ECDSA and SHA-1", options: [...EC, "-sha1"], hash: "sha256" },
    { signed: "RSA and SHA-256", options: [...RSA, "-sha256"], hash: "sha256" },
    { signed: "RSA and SHA-224", options: [...RSA, "-sha224"], hash: "sha224" },
    { signed: "RSA and SHA-384", options: [...RSA, "-sha384"], hash: "sha384" },
    { signed: "RSA and SHA-512", options: [...RSA, "-sha512"], hash: "sha512" },
    { signed: "RSA and SHA-1", options: [...RSA, "-sha1"], hash: "sha256" },
    { signed: "RSA and MD5", options: [...RSA, "-md5"], hash: "sha256" },
    { signed: "RSA-PSS and SHA-256", options: [...PSS, "-sha256"], hash: "sha256" },
    { signed: "RSA-PSS and SHA-384", options: [...PSS, "-sha384"], hash: "sha384" },
    { signed: "RSA-PSS and SHA-512", options: [...PSS, "-sha512"], hash: "sha512" },
    { signed: "RSA-PSS and SHA-224", options: [...PSS, "-sha224"], hash: "sha224" },
    { signed: "RSA-PSS and SHA-1, its default", options: [...PSS, "-sha1"], hash: "sha256" },
  ])("$hash for $signed", ({ options, hash }) => {
    const der = certificate(...options);
    expect(tlsServerEndPoint(der)).toEqual(createHash(hash).update(der).digest());
  });

  test.each([
    { signed: "Ed25519", options: ["-newkey", "ed25519"] },
    { signed: "Ed448", options: ["-newkey", "ed448"] },
    { signed: "a hash that is not known here", options: [...EC, "-sha3-256"] },
  ])("nothing for $signed", ({ options }) => {
    expect(tlsServerEndPoint(certificate(...options))).toBeUndefined();
  });
});

test("there is none for RSA-PSS and a hash that is not known here", () => {
  const der = certificate(...PSS, "-sha256");
  const sha256 = Buffer.from("608648016503040201", "hex");
  const sha3 = Buffer.from("608648016503040208", "hex");
  for (let at = der.indexOf(sha256); at !== -1; at = der.indexOf(sha256)) sha3.copy(der, at);
  expect(tlsServerEndPoint(der)).toBeUndefined();
});

test("what is no certificate has no hash, and breaks nothing", () => {
  const der = certificate(...PSS);
  fc.assert(
    fc.property(brokenBytes(der), (bytes) => {
      expect(tlsServerEndPoint(bytes)?.length ?? 32).toBeGreaterThanOrEqual(28);
    }),
  );
  for (let length = 0; length < der.length; length += 1)
    expect(tlsServerEndPoint(der.subarray(0, length))).toBeUndefined();
});
