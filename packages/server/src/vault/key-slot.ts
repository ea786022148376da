import { randomBytes } from "node:crypto";
import { NONCE_BYTES, SLOT_ID_BYTES, TAG_BYTES, type KdfCost, type PasswordSlot } from "./header.js";
import { openBytes, sealBytes } from "./segment-cipher.js";

/** Tells a key slot's seal from any segment's, whose type byte differs. */
const SLOT_DOMAIN = 16;

/** What the key-encryption key of a slot was derived with. */
export interface SlotDerivation {
  readonly salt: Buffer;
  readonly cost: KdfCost;
}

/** Seals the data key under the key derived from the password, with a fresh id and nonce. */
export function sealKeySlot(
  keyEncryptionKey: Buffer,
  derivation: SlotDerivation,
  vaultId: Buffer,
  dataKey: Buffer,
): PasswordSlot {
  const id = randomBytes(SLOT_ID_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const { ciphertext, tag } = sealBytes(keyEncryptionKey, nonce, slotAdditionalData(vaultId, id), dataKey);
  const { salt, cost } = derivation;
  return { kind: "password", id, cost, salt, nonce, sealedKey: Buffer.concat([ciphertext, tag]) };
}

/** The data key, or undefined when this key does not open the slot. The Buffer is the caller's to wipe. */
export function openKeySlot(
  keyEncryptionKey: Buffer,
  slot: PasswordSlot,
  vaultId: Buffer,
): Buffer | undefined {
  const tagStart = slot.sealedKey.length - TAG_BYTES;
  return openBytes(
    keyEncryptionKey,
    slot.nonce,
    slotAdditionalData(vaultId, slot.id),
    slot.sealedKey.subarray(0, tagStart),
    slot.sealedKey.subarray(tagStart),
  );
}

function slotAdditionalData(vaultId: Buffer, slotId: Buffer): Buffer {
  return Buffer.concat([vaultId, slotId, Buffer.of(SLOT_DOMAIN)]);
}
