import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { deriveKeyPair, openHpke, sealHpke, type HpkeContext } from "./hpke.js";

interface Vector {
  readonly info: string;
  readonly ikmE: string;
  readonly ikmR: string;
  readonly skRm: string;
  readonly pkRm: string;
  readonly pkEm: string;
  readonly enc: string;
  readonly psk: string;
  readonly psk_id: string;
  readonly encryptions: readonly [{ readonly aad: string; readonly pt: string; readonly ct: string }];
}

const VECTORS = "../../../../test/vectors/known-answers/hpke-psk-x25519-aes256gcm.json";
const vector = JSON.parse(readFileSync(new URL(VECTORS, import.meta.url), "utf8")) as Vector;
const hex = (text: string) => Buffer.from(text, "hex");

const [first] = vector.encryptions;
const context: HpkeContext = {
  info: hex(vector.info),
  psk: hex(vector.psk),
  pskId: hex(vector.psk_id),
  additionalData: hex(first.aad),
};
const message = { encapsulatedKey: hex(vector.enc), ciphertext: hex(first.ct) };

describe("the test vector of RFC 9180 for mode_psk, X25519, HKDF-SHA256 and AES-256-GCM", () => {
  test("key pairs are derived as it says", () => {
    expect(deriveKeyPair(hex(vector.ikmR))).toEqual({
      privateKey: hex(vector.skRm),
      publicKey: hex(vector.pkRm),
    });
    expect(deriveKeyPair(hex(vector.ikmE)).publicKey).toEqual(hex(vector.pkEm));
  });

  test("the first message is sealed as it says", () => {
    expect(sealHpke(hex(vector.pkRm), context, hex(first.pt), hex(vector.ikmE))).toEqual(message);
  });

  test("the first message opens", () => {
    expect(openHpke(hex(vector.skRm), context, message)).toEqual(hex(first.pt));
  });
});

describe("a message does not open", () => {
  const flipped = (bytes: Buffer) => Buffer.from(bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte)));
  const privateKey = hex(vector.skRm);

  test.each(["info", "psk", "pskId", "additionalData"] as const)("with another %s", (field) => {
    expect(openHpke(privateKey, { ...context, [field]: flipped(context[field]) }, message)).toBeUndefined();
  });

  test("with another private key", () => {
    expect(openHpke(randomBytes(32), context, message)).toBeUndefined();
  });

  test.each(["encapsulatedKey", "ciphertext"] as const)("with another %s", (field) => {
    expect(openHpke(privateKey, context, { ...message, [field]: flipped(message[field]) })).toBeUndefined();
  });

  test("whose encapsulated key is a point of small order", () => {
    expect(openHpke(privateKey, context, { ...message, encapsulatedKey: Buffer.alloc(32) })).toBeUndefined();
  });
});
