import { z } from "zod";
import { X25519_KEY_BYTES } from "./hpke.js";
import { DamagedVaultFileError, NewerVaultFormatError } from "./vault-file-error.js";
import { KDF_COST_LIMITS } from "./vault-file-limits.js";

export const VAULT_FORMAT = 1;
export const VAULT_ID_BYTES = 16;
export const SLOT_ID_BYTES = 16;
export const SALT_BYTES = 16;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** Argon2id cost: memory in KiB, passes, lanes (RFC 9106 §3.1 calls them m, t and p). */
export interface KdfCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** The data key, sealed by a key that is derived from the password. */
export interface PasswordSlot {
  readonly kind: "password";
  readonly id: Buffer;
  readonly cost: KdfCost;
  readonly salt: Buffer;
  readonly nonce: Buffer;
  /** Ciphertext of the data key and its tag. */
  readonly sealedKey: Buffer;
}

/** The data key, sealed to the recovery key by HPKE (RFC 9180, mode_psk). */
export interface RecoverySlot {
  readonly kind: "recovery";
  readonly id: Buffer;
  /** X25519, derived from the recovery key. */
  readonly publicKey: Buffer;
  /** X25519, made for this seal. */
  readonly encapsulatedKey: Buffer;
  /** Ciphertext of the data key and its tag. */
  readonly sealedKey: Buffer;
}

/** What stands in clear at the head of `vault.enc`. */
export interface VaultHeader {
  readonly vaultId: Buffer;
  /** Counts the saves, from 1. */
  readonly generation: number;
  /** RFC 3339, when the vault was made. */
  readonly createdAt: string;
  readonly passwordSlot: PasswordSlot;
  readonly recoverySlot: RecoverySlot | undefined;
}

/** The only algorithms of a recovery slot: KEM, KDF and AEAD of RFC 9180 §7. */
const HPKE_SUITE = "psk-x25519-hkdf-sha256-aes-256-gcm";

const hex = (bytes: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))
    .transform((text) => Buffer.from(text, "hex"));

const within = (bounds: { readonly min: number; readonly max: number }) =>
  z.int().min(bounds.min).max(bounds.max);

const passwordSlotSchema = z
  .strictObject({
    id: hex(SLOT_ID_BYTES),
    kind: z.literal("password"),
    kdf: z.literal("argon2id"),
    m_kib: within(KDF_COST_LIMITS.memoryKib),
    t: within(KDF_COST_LIMITS.passes),
    p: within(KDF_COST_LIMITS.lanes),
    salt: hex(SALT_BYTES),
    nonce: hex(NONCE_BYTES),
    sealed_key: hex(KEY_BYTES + TAG_BYTES),
  })
  // RFC 9106 §3.1: at least 8 KiB of memory for each lane.
  .refine((slot) => slot.m_kib >= 8 * slot.p)
  .refine((slot) => slot.m_kib * slot.t <= KDF_COST_LIMITS.memoryKibTimesPasses);

const recoverySlotSchema = z.strictObject({
  id: hex(SLOT_ID_BYTES),
  kind: z.literal("recovery"),
  hpke: z.literal(HPKE_SUITE),
  public_key: hex(X25519_KEY_BYTES),
  enc: hex(X25519_KEY_BYTES),
  sealed_key: hex(KEY_BYTES + TAG_BYTES),
});

const headerSchema = z.strictObject({
  format: z.literal(VAULT_FORMAT),
  vault_id: hex(VAULT_ID_BYTES),
  // One more must still be a number that JavaScript holds exactly.
  generation: z
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER - 1),
  created_at: z.iso.datetime().max(40),
  cipher: z.literal("AES-256-GCM"),
  // One slot of a kind, so that one attempt to unlock costs one derivation.
  slots: z.union([z.tuple([passwordSlotSchema]), z.tuple([passwordSlotSchema, recoverySlotSchema])]),
});

/** The header as the JSON that stands in the file, UTF-8. */
export function encodeHeader(header: VaultHeader): Buffer {
  const { passwordSlot, recoverySlot } = header;
  const json = {
    format: VAULT_FORMAT,
    vault_id: header.vaultId.toString("hex"),
    generation: header.generation,
    created_at: header.createdAt,
    cipher: "AES-256-GCM",
    slots: [
      encodePasswordSlot(passwordSlot),
      ...(recoverySlot === undefined ? [] : [encodeRecoverySlot(recoverySlot)]),
    ],
  };
  return Buffer.from(JSON.stringify(json));
}

function encodePasswordSlot(slot: PasswordSlot): z.input<typeof passwordSlotSchema> {
  return {
    id: slot.id.toString("hex"),
    kind: slot.kind,
    kdf: "argon2id",
    m_kib: slot.cost.memoryKib,
    t: slot.cost.passes,
    p: slot.cost.lanes,
    salt: slot.salt.toString("hex"),
    nonce: slot.nonce.toString("hex"),
    sealed_key: slot.sealedKey.toString("hex"),
  };
}

function encodeRecoverySlot(slot: RecoverySlot): z.input<typeof recoverySlotSchema> {
  return {
    id: slot.id.toString("hex"),
    kind: slot.kind,
    hpke: HPKE_SUITE,
    public_key: slot.publicKey.toString("hex"),
    enc: slot.encapsulatedKey.toString("hex"),
    sealed_key: slot.sealedKey.toString("hex"),
  };
}

/**
 * Reads and bounds the header. Nothing in it is authentic yet: the key slot and the trailer decide that later.
 *
 * @throws {NewerVaultFormatError} for a later format, whatever else stands in the header.
 * @throws {DamagedVaultFileError} for anything else that {@link encodeHeader} would not write.
 */
export function parseHeader(bytes: Uint8Array): VaultHeader {
  const json = parseJson(bytes);
  const format = typeof json === "object" && json !== null && "format" in json ? json.format : undefined;
  if (typeof format === "number" && Number.isSafeInteger(format) && format > VAULT_FORMAT) {
    throw new NewerVaultFormatError(format);
  }
  const parsed = headerSchema.safeParse(json);
  if (!parsed.success) throw new DamagedVaultFileError("header does not have the right fields");
  const { slots } = parsed.data;
  return {
    vaultId: parsed.data.vault_id,
    generation: parsed.data.generation,
    createdAt: parsed.data.created_at,
    passwordSlot: toPasswordSlot(slots[0]),
    recoverySlot: slots[1] === undefined ? undefined : toRecoverySlot(slots[1]),
  };
}

function toPasswordSlot(slot: z.output<typeof passwordSlotSchema>): PasswordSlot {
  return {
    kind: slot.kind,
    id: slot.id,
    cost: { memoryKib: slot.m_kib, passes: slot.t, lanes: slot.p },
    salt: slot.salt,
    nonce: slot.nonce,
    sealedKey: slot.sealed_key,
  };
}

function toRecoverySlot(slot: z.output<typeof recoverySlotSchema>): RecoverySlot {
  return {
    kind: slot.kind,
    id: slot.id,
    publicKey: slot.public_key,
    encapsulatedKey: slot.enc,
    sealedKey: slot.sealed_key,
  };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new DamagedVaultFileError("header is not JSON");
  }
}
