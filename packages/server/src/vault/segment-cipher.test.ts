import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeSegment } from "./format.js";
import { openKeySlot, sealKeySlot } from "./key-slot.js";
import { DataKey, openBytes, sealBytes, sha256 } from "./segment-cipher.js";
import { CHEAP_KDF_COST } from "./testing/temporary-vault.js";

const vaultId = randomBytes(16);
const newKey = () => new DataKey(Buffer.alloc(32, 9), vaultId, 0);

describe("AES-256-GCM", () => {
  test("gives what the GCM specification gives (test cases 13 and 14)", () => {
    const key = Buffer.alloc(32);
    const nonce = Buffer.alloc(12);
    const none = Buffer.alloc(0);
    expect(sealBytes(key, nonce, none, none).tag.toString("hex")).toBe("530f8afbc74536b9a963b4f1c4cb738b");
    const sealed = sealBytes(key, nonce, none, Buffer.alloc(16));
    expect(sealed.ciphertext.toString("hex")).toBe("cea7403d4d606b6e074ec5d3baf39d18");
    expect(sealed.tag.toString("hex")).toBe("d0d1c8a799996bf0265b98b5d48ab919");
    expect(openBytes(key, nonce, none, sealed.ciphertext, sealed.tag)).toEqual(Buffer.alloc(16));
  });

  test("refuses a tag that was cut short", () => {
    const key = randomBytes(32);
    const nonce = randomBytes(12);
    const { ciphertext, tag } = sealBytes(key, nonce, vaultId, Buffer.from("secret"));
    expect(() => openBytes(key, nonce, vaultId, ciphertext, tag.subarray(0, 12))).toThrow();
  });
});

describe("a data key", () => {
  test("opens what it sealed", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (plaintext) => {
        expect(newKey().open(newKey().seal("file", plaintext))).toEqual(Buffer.from(plaintext));
      }),
    );
  });

  test("seals in pieces as it seals at once, wipes each, and lets other work run between them", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array()), async (parts) => {
        const pieces = parts.map((part) => Buffer.from(part));
        let turns = 0;
        const segment = await newKey().sealPieces("file", pieces, () => {
          turns += 1;
          return Promise.resolve();
        });
        expect(newKey().open(segment)).toEqual(Buffer.concat(parts));
        expect(turns).toBe(parts.length < 2 ? 0 : parts.length);
        expect(pieces.every((piece) => piece.every((byte) => byte === 0))).toBe(true);
        expect(segment.bytes).toEqual(encodeSegment(segment));
        expect(segment.digest).toEqual(sha256(segment.bytes));
      }),
    );
  });

  test("keeps on sealing when it is destroyed in between, with the key that it had", async () => {
    const key = newKey();
    const segment = await key.sealPieces("file", [Buffer.from("a"), Buffer.from("b")], () => {
      key.destroy();
      return Promise.resolve();
    });
    expect(newKey().open(segment).toString()).toBe("ab");
  });

  test("opens a segment only under its own id, as its own type, in its own vault", () => {
    const segment = newKey().seal("file", Buffer.from("secret"));
    expect(() => newKey().open({ ...segment, type: "state" })).toThrow(/does not open/);
    expect(() => newKey().open({ ...segment, id: randomBytes(16) })).toThrow(/does not open/);
    expect(() => newKey().open({ ...segment, nonce: randomBytes(12) })).toThrow(/does not open/);
    expect(() => new DataKey(Buffer.alloc(32, 9), randomBytes(16), 0).open(segment)).toThrow(/does not open/);
    expect(() => new DataKey(Buffer.alloc(32, 8), vaultId, 0).open(segment)).toThrow(/does not open/);
  });

  test("takes a fresh nonce and id for every seal, and counts them", () => {
    const key = new DataKey(randomBytes(32), vaultId, 5);
    const segments = Array.from({ length: 1000 }, () => key.seal("state", Buffer.from("same")));
    expect(new Set(segments.map(({ nonce }) => nonce.toString("hex"))).size).toBe(1000);
    expect(new Set(segments.map(({ id }) => id.toString("hex"))).size).toBe(1000);
    expect(key.seals).toBe(1005);
    key.countAtLeast(2000);
    key.countAtLeast(3);
    expect(key.seals).toBe(2000);
  });

  test("is zeroed when destroyed, and then neither seals nor opens", () => {
    const bytes = randomBytes(32);
    const key = new DataKey(bytes, vaultId, 0);
    const segment = key.seal("file", Buffer.from("secret"));
    key.destroy();
    expect(bytes).toEqual(Buffer.alloc(32));
    expect(() => key.seal("file", Buffer.from("secret"))).toThrow(/wiped/);
    expect(() => key.open(segment)).toThrow(/wiped/);
    return expect(key.sealPieces("file", [], () => Promise.resolve())).rejects.toThrow(/wiped/);
  });
});

describe("a key slot", () => {
  const derivation = { salt: randomBytes(16), cost: CHEAP_KDF_COST };
  const keyEncryptionKey = randomBytes(32);
  const dataKey = randomBytes(32);

  test("gives the data key to the right key, in its own vault and under its own id", () => {
    const slot = sealKeySlot(keyEncryptionKey, derivation, vaultId, dataKey);
    expect(openKeySlot(keyEncryptionKey, slot, vaultId)).toEqual(dataKey);
    expect(openKeySlot(randomBytes(32), slot, vaultId)).toBeUndefined();
    expect(openKeySlot(keyEncryptionKey, slot, randomBytes(16))).toBeUndefined();
    expect(openKeySlot(keyEncryptionKey, { ...slot, id: randomBytes(16) }, vaultId)).toBeUndefined();
  });

  test("is sealed under a fresh nonce each time", () => {
    const [one, other] = [1, 2].map(() => sealKeySlot(keyEncryptionKey, derivation, vaultId, dataKey));
    expect(one!.nonce).not.toEqual(other!.nonce);
  });
});
