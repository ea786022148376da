import { randomBytes } from "node:crypto";
import { SLOT_ID_BYTES, type RecoverySlot } from "./header.js";
import { openHpke, sealHpke, type HpkeContext } from "./hpke.js";
import type { RecoverySecrets } from "./recovery-key.js";

/** Tells this seal from a password slot's and from any segment's. */
const SLOT_DOMAIN = 17;
const INFO = Buffer.from("vault-proxy recovery slot");
const EPHEMERAL_KEY_MATERIAL_BYTES = 32;

/**
 * What seals a new data key for a recovery key that is not at hand. The pre-shared key is kept inside the vault: so
 * nobody without a key of the vault can make a slot that the recovery key opens, and nobody without the recovery key can
 * open one, not even with an older data key.
 */
export type RecoveryRecipient = Pick<RecoverySecrets, "publicKey" | "psk">;

/** Seals the data key, with a fresh id. */
export function sealRecoverySlot(
  recipient: RecoveryRecipient,
  vaultId: Buffer,
  dataKey: Buffer,
): RecoverySlot {
  const id = randomBytes(SLOT_ID_BYTES);
  const { publicKey, psk } = recipient;
  const ephemeralKeyMaterial = randomBytes(EPHEMERAL_KEY_MATERIAL_BYTES);
  const message = sealHpke(publicKey, slotContext(psk, vaultId, id), dataKey, ephemeralKeyMaterial);
  ephemeralKeyMaterial.fill(0);
  return {
    kind: "recovery",
    id,
    publicKey,
    encapsulatedKey: message.encapsulatedKey,
    sealedKey: message.ciphertext,
  };
}

/** The data key, or undefined when this recovery key does not open the slot. The Buffer is the caller's to wipe. */
export function openRecoverySlot(
  secrets: RecoverySecrets,
  slot: RecoverySlot,
  vaultId: Buffer,
): Buffer | undefined {
  return openHpke(secrets.privateKey, slotContext(secrets.psk, vaultId, slot.id), {
    encapsulatedKey: slot.encapsulatedKey,
    ciphertext: slot.sealedKey,
  });
}

function slotContext(psk: Buffer, vaultId: Buffer, slotId: Buffer): HpkeContext {
  return {
    info: INFO,
    psk,
    pskId: slotId,
    additionalData: Buffer.concat([vaultId, slotId, Buffer.of(SLOT_DOMAIN)]),
  };
}
