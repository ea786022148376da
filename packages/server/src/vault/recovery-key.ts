import { createHash, hkdfSync, timingSafeEqual } from "node:crypto";
import { Secret } from "../redaction/secret.js";
import { deriveKeyPair } from "./hpke.js";

/*
 * A recovery key is 160 random bits that open a vault as its password does. It is printed as 36 characters of
 * Crockford's base32 in groups of four: 32 of the key, most significant bit first, and four of a checksum, the first
 * 20 bits of SHA-256(CHECKSUM_DOMAIN ‖ key).
 */

export const RECOVERY_KEY_BYTES = 20;
const CHECKSUM_DOMAIN = "vault-proxy recovery key";
const KEY_CHARACTERS = 32;
const CHECKSUM_CHARACTERS = 4;
const GROUP_CHARACTERS = 4;
const BITS_PER_CHARACTER = 5;

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** Letters that are left out of the alphabet because they are read as digits. */
const MISREAD: Readonly<Record<string, string>> = { O: "0", I: "1", L: "1" };

const KEY_PAIR_INFO = "vault-proxy recovery key pair";
const PSK_INFO = "vault-proxy recovery psk";
const DERIVED_BYTES = 32;

export function formatRecoveryKey(key: Buffer): Secret {
  const characters = encode(key) + checksum(key);
  const groups = characters.match(new RegExp(`.{${GROUP_CHARACTERS}}`, "g")) ?? [];
  return new Secret(groups.join("-"));
}

/**
 * The key that a person typed: case, spaces and dashes do not matter, nor O for 0, I or L for 1. Undefined for
 * everything whose form or checksum is not that of a recovery key. The Buffer is the caller's to wipe.
 */
export function parseRecoveryKey(typed: Secret): Buffer | undefined {
  const characters = typed
    .reveal()
    .replace(/[\s-]/g, "")
    .toUpperCase()
    .replace(/[OIL]/g, (letter) => MISREAD[letter] ?? letter);
  if (characters.length !== KEY_CHARACTERS + CHECKSUM_CHARACTERS) return undefined;
  const key = decode(characters.slice(0, KEY_CHARACTERS));
  if (key === undefined) return undefined;
  const wanted = Buffer.from(checksum(key));
  const given = Buffer.from(characters.slice(KEY_CHARACTERS));
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return key;
  key.fill(0);
  return undefined;
}

/** What of a recovery key opens its slot: a key pair, and the pre-shared key that only its owner and the vault have. */
export interface RecoverySecrets {
  readonly privateKey: Buffer;
  readonly publicKey: Buffer;
  readonly psk: Buffer;
}

/** HKDF-SHA256 (RFC 5869) with the vault's id as salt. The Buffers are the caller's to wipe. */
export function deriveRecoverySecrets(key: Buffer, vaultId: Buffer): RecoverySecrets {
  const keyMaterial = hkdf(key, vaultId, KEY_PAIR_INFO);
  const keyPair = deriveKeyPair(keyMaterial);
  keyMaterial.fill(0);
  return { ...keyPair, psk: hkdf(key, vaultId, PSK_INFO) };
}

function hkdf(key: Buffer, salt: Buffer, info: string): Buffer {
  return Buffer.from(hkdfSync("sha256", key, salt, info, DERIVED_BYTES));
}

function checksum(key: Buffer): string {
  const digest = createHash("sha256").update(CHECKSUM_DOMAIN).update(key).digest();
  return encode(digest).slice(0, CHECKSUM_CHARACTERS);
}

/** Five bits a character, most significant first; what is left of the last ones is not written. */
function encode(bytes: Buffer): string {
  let text = "";
  let bits = 0;
  let count = 0;
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xfff;
    count += 8;
    while (count >= BITS_PER_CHARACTER) {
      count -= BITS_PER_CHARACTER;
      text += ALPHABET[(bits >> count) & 31] ?? "";
    }
  }
  return text;
}

function decode(text: string): Buffer | undefined {
  const bytes = Buffer.alloc(RECOVERY_KEY_BYTES);
  let bits = 0;
  let count = 0;
  let length = 0;
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    if (value === -1) return undefined;
    bits = ((bits << BITS_PER_CHARACTER) | value) & 0xfff;
    count += BITS_PER_CHARACTER;
    if (count >= 8) {
      count -= 8;
      bytes[length] = (bits >> count) & 0xff;
      length += 1;
    }
  }
  return bytes;
}
