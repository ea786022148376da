import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from "node:crypto";

/*
 * Hybrid Public Key Encryption, RFC 9180, as far as the recovery slot needs it: one message, mode_psk (§5.1.2),
 * DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. The message opens for who has the private key and the
 * pre-shared key, and only who has the pre-shared key can have made it.
 */

export const X25519_KEY_BYTES = 32;
const TAG_BYTES = 16;
const AEAD_KEY_BYTES = 32;
const AEAD_NONCE_BYTES = 12;
const SECRET_BYTES = 32;
const CIPHER = "aes-256-gcm";

const MODE_PSK = Buffer.of(0x01);
const KEM_ID = Buffer.of(0x00, 0x20);
const KDF_ID = Buffer.of(0x00, 0x01);
const AEAD_ID = Buffer.of(0x00, 0x02);
const VERSION_LABEL = Buffer.from("HPKE-v1");
const KEM_SUITE = Buffer.concat([Buffer.from("KEM"), KEM_ID]);
const HPKE_SUITE = Buffer.concat([Buffer.from("HPKE"), KEM_ID, KDF_ID, AEAD_ID]);
const EMPTY = Buffer.alloc(0);

/** PKCS #8 and SubjectPublicKeyInfo of a raw X25519 key (RFC 8410 §4 and §7) up to the key itself. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");

/** What both sides must agree on. */
export interface HpkeContext {
  readonly info: Buffer;
  readonly psk: Buffer;
  readonly pskId: Buffer;
  readonly additionalData: Buffer;
}

export interface HpkeMessage {
  /** The encapsulated key, called `enc` in RFC 9180: an ephemeral X25519 public key. */
  readonly encapsulatedKey: Buffer;
  /** Ciphertext and tag. */
  readonly ciphertext: Buffer;
}

/** DeriveKeyPair (RFC 9180 §7.1.3). The private key is the caller's to wipe. */
export function deriveKeyPair(inputKeyMaterial: Buffer): { privateKey: Buffer; publicKey: Buffer } {
  const prk = labeledExtract(KEM_SUITE, EMPTY, "dkp_prk", inputKeyMaterial);
  const privateKey = labeledExpand(KEM_SUITE, prk, "sk", EMPTY, X25519_KEY_BYTES);
  return { privateKey, publicKey: publicKeyOf(privateKey) };
}

/**
 * SealPSK (RFC 9180 §6.1).
 *
 * @param ephemeralKeyMaterial fresh random bytes, 32 of them, never used twice.
 */
export function sealHpke(
  recipientPublicKey: Buffer,
  context: HpkeContext,
  plaintext: Buffer,
  ephemeralKeyMaterial: Buffer,
): HpkeMessage {
  const ephemeral = deriveKeyPair(ephemeralKeyMaterial);
  const shared = agree(ephemeral.privateKey, recipientPublicKey);
  ephemeral.privateKey.fill(0);
  const encapsulatedKey = ephemeral.publicKey;
  const { key, nonce } = keySchedule(shared, encapsulatedKey, recipientPublicKey, context);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(context.additionalData);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  key.fill(0);
  return { encapsulatedKey, ciphertext };
}

/** OpenPSK (RFC 9180 §6.1), or undefined when keys, context and message do not belong together. */
export function openHpke(
  recipientPrivateKey: Buffer,
  context: HpkeContext,
  message: HpkeMessage,
): Buffer | undefined {
  const tagStart = message.ciphertext.length - TAG_BYTES;
  let shared: Buffer;
  try {
    shared = agree(recipientPrivateKey, message.encapsulatedKey);
  } catch {
    // A point of small order agrees on zero, which RFC 7748 §6.1 lets one refuse, and OpenSSL does.
    return undefined;
  }
  const { encapsulatedKey } = message;
  const { key, nonce } = keySchedule(shared, encapsulatedKey, publicKeyOf(recipientPrivateKey), context);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  key.fill(0);
  decipher.setAAD(context.additionalData);
  decipher.setAuthTag(message.ciphertext.subarray(tagStart));
  const plaintext = decipher.update(message.ciphertext.subarray(0, tagStart));
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    return undefined;
  }
  return plaintext;
}

/** Encap and Decap end in the same secret (§4.1); KeySchedule (§5.1) makes key and nonce of the first message of it. */
function keySchedule(
  agreed: Buffer,
  encapsulatedKey: Buffer,
  recipientPublicKey: Buffer,
  { psk, pskId, info }: HpkeContext,
): { key: Buffer; nonce: Buffer } {
  const kemContext = Buffer.concat([encapsulatedKey, recipientPublicKey]);
  const agreedPrk = labeledExtract(KEM_SUITE, EMPTY, "eae_prk", agreed);
  const sharedSecret = labeledExpand(KEM_SUITE, agreedPrk, "shared_secret", kemContext, SECRET_BYTES);
  const scheduleContext = Buffer.concat([
    MODE_PSK,
    labeledExtract(HPKE_SUITE, EMPTY, "psk_id_hash", pskId),
    labeledExtract(HPKE_SUITE, EMPTY, "info_hash", info),
  ]);
  const secret = labeledExtract(HPKE_SUITE, sharedSecret, "secret", psk);
  const key = labeledExpand(HPKE_SUITE, secret, "key", scheduleContext, AEAD_KEY_BYTES);
  const nonce = labeledExpand(HPKE_SUITE, secret, "base_nonce", scheduleContext, AEAD_NONCE_BYTES);
  for (const wiped of [agreed, agreedPrk, sharedSecret, secret]) wiped.fill(0);
  return { key, nonce };
}

/** LabeledExtract (RFC 9180 §4); HKDF-Extract is one HMAC (RFC 5869 §2.2). */
function labeledExtract(suite: Buffer, salt: Buffer, label: string, inputKeyMaterial: Buffer): Buffer {
  return createHmac("sha256", salt)
    .update(VERSION_LABEL)
    .update(suite)
    .update(label)
    .update(inputKeyMaterial)
    .digest();
}

/** LabeledExpand (RFC 9180 §4), of at most the 32 bytes that one round of HKDF-Expand gives (RFC 5869 §2.3). */
function labeledExpand(suite: Buffer, prk: Buffer, label: string, info: Buffer, bytes: number): Buffer {
  const round = createHmac("sha256", prk)
    .update(Buffer.of(0, bytes))
    .update(VERSION_LABEL)
    .update(suite)
    .update(label)
    .update(info)
    .update(Buffer.of(1))
    .digest();
  return round.subarray(0, bytes);
}

function agree(privateKey: Buffer, publicKey: Buffer): Buffer {
  return diffieHellman({ privateKey: toPrivateKey(privateKey), publicKey: toPublicKey(publicKey) });
}

function publicKeyOf(privateKey: Buffer): Buffer {
  const spki = createPublicKey(toPrivateKey(privateKey)).export({ type: "spki", format: "der" });
  return spki.subarray(SPKI_PREFIX.length);
}

function toPrivateKey(raw: Buffer): KeyObject {
  const key = Buffer.concat([PKCS8_PREFIX, raw]);
  try {
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  } finally {
    key.fill(0);
  }
}

function toPublicKey(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" });
}
