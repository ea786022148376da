import { expect, test } from "vitest";
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
