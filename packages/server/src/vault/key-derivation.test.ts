import argon2 from "argon2";
import { expect, test, vi } from "vitest";
import { Secret } from "../redaction/secret.js";
import { DEFAULT_KDF_COST, deriveKey, isWeakerThan } from "./key-derivation.js";

const salt = Buffer.alloc(16, 2);

test("the cost that is written is 64 MiB, three passes, four lanes", () => {
  expect(DEFAULT_KDF_COST).toEqual({ memoryKib: 65_536, passes: 3, lanes: 4 });
});

// Keys that argon2-cffi and OpenSSL (through pyca/cryptography) derive.
test.each([
  [
    { memoryKib: 64, passes: 2, lanes: 1 },
    "d1dd9f4bfa15a408c1ae553f4c84aa83d73afcdb94a3b5b597e8eb201489b96b",
  ],
  [DEFAULT_KDF_COST, "64d388aeb007b664336c2357dfdd47c496340c12d8ee87dd33f05ae923aa5718"],
])("Argon2id at %j gives the key that other implementations give", async (cost, expected) => {
  const key = await deriveKey(new Secret("password"), Buffer.from("somesalt12345678"), cost);
  expect(key.toString("hex")).toBe(expected);
});

// The vectors for Argon2id, version 0x13, in the tests of the reference implementation (phc-winner-argon2).
test.each([
  [2, 65_536, 1, "password", "somesalt", "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"],
  [2, 262_144, 1, "password", "somesalt", "78fe1ec91fb3aa5657d72e710854e4c3d9b9198c742f9616c2f085bed95b2e8c"],
  [2, 256, 1, "password", "somesalt", "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"],
  [2, 256, 2, "password", "somesalt", "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"],
  [1, 65_536, 1, "password", "somesalt", "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"],
  [4, 65_536, 1, "password", "somesalt", "9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c"],
  [
    2,
    65_536,
    1,
    "differentpassword",
    "somesalt",
    "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde",
  ],
  [2, 65_536, 1, "password", "diffsalt", "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"],
])(
  "Argon2id in %i passes over %i KiB in %i lanes of %j with %j gives what the reference implementation gives",
  async (passes, memoryKib, lanes, password, salt, expected) => {
    const key = await deriveKey(new Secret(password), Buffer.from(salt), { memoryKib, passes, lanes });
    expect(key.toString("hex")).toBe(expected);
  },
);

test("the call of the library gives the tag of RFC 9106 §5.3 once its secret and associated data are added", async () => {
  const hash = vi.spyOn(argon2, "hash");
  try {
    const rfcSalt = Buffer.alloc(16, 2);
    await deriveKey(new Secret("\x01".repeat(32)), rfcSalt, { memoryKib: 32, passes: 3, lanes: 4 });
    // The options are the ones that deriveKey passed; the password it passed is wiped by now.
    const options = hash.mock.calls[0]?.[1];
    const extra = { secret: Buffer.alloc(8, 3), associatedData: Buffer.alloc(12, 4) };
    const tag = await argon2.hash(Buffer.alloc(32, 1), { ...options, ...extra, raw: true });
    expect(tag.toString("hex")).toBe("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
  } finally {
    hash.mockRestore();
  }
});

test.each([
  { memoryKib: 1024 * 1024 + 1, passes: 1, lanes: 1 },
  { memoryKib: 7, passes: 1, lanes: 1 },
  { memoryKib: 64, passes: 65, lanes: 1 },
  { memoryKib: 64, passes: 0, lanes: 1 },
  { memoryKib: 1024, passes: 1, lanes: 17 },
  { memoryKib: 64, passes: 1, lanes: 0 },
  { memoryKib: 64.5, passes: 1, lanes: 1 },
  { memoryKib: Number.NaN, passes: 1, lanes: 1 },
])("a cost out of bounds is refused before any work: %j", async (cost) => {
  await expect(deriveKey(new Secret("password"), salt, cost)).rejects.toThrow(RangeError);
});

test("a slot is weaker with less memory or fewer passes", () => {
  const wanted = { memoryKib: 64, passes: 3, lanes: 4 };
  expect(isWeakerThan({ memoryKib: 63, passes: 9, lanes: 4 }, wanted)).toBe(true);
  expect(isWeakerThan({ memoryKib: 99, passes: 2, lanes: 4 }, wanted)).toBe(true);
  expect(isWeakerThan({ memoryKib: 64, passes: 3, lanes: 1 }, wanted)).toBe(false);
});
