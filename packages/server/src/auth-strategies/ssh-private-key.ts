import { createPrivateKey, type KeyObject } from "node:crypto";
import type { ParsedKey } from "ssh2";
import { sizeText } from "../errors/size-text.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { Secret } from "../redaction/secret.js";
import { readArmoredKey, type ArmoredKey } from "./ssh-keys/armored-key.js";
import { SSH_KEY_LIMITS } from "./ssh-keys/limits.js";
import { encodeOpenSshEd25519, readOpenSshKeyHeader } from "./ssh-keys/openssh-key-file.js";
import { readPkcs8Derivation } from "./ssh-keys/pkcs8-derivation.js";
import { sshLibrary } from "./ssh-keys/ssh-library.js";

const PASSPHRASE_FIELD = "auth.ssh_key_passphrase";
const USABLE = "use one of Ed25519, ECDSA or RSA";
const UNREADABLE = "is damaged: its private key cannot be read";
const TOO_SLOW = "encrypt it anew with ssh-keygen -p";

const OPENSSH_TYPES: readonly string[] = [
  "ssh-ed25519",
  "ssh-rsa",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
];
/** RFC 5656 §10.1, in OpenSSL's words. */
const CURVES: readonly string[] = ["prime256v1", "secp384r1", "secp521r1"];

/** Those of OpenSSH's key files that ssh2 decrypts. */
const OPENSSH_CIPHERS = /^aes(?:128|192|256)-(?:ctr|cbc)$|^aes(?:128|256)-gcm@openssh\.com$/;
/** Those of traditional PEM files that OpenSSL still decrypts, with the initialization vector after them. */
const PEM_CIPHERS = /^(?:AES-(?:128|192|256)-CBC,[0-9A-Fa-f]{32}|DES-EDE3-CBC,[0-9A-Fa-f]{16})$/;

/** Signed to see whether a key's halves belong together. */
const PROBE = Buffer.from("Do the halves of this key belong together?");

/** Decrypted, and known to sign what its public half verifies. */
export type SshPrivateKey = ParsedKey;

type Refuse = (reason: string) => VaultProxyError;

/**
 * Reads a private key for SSH: of OpenSSH's own format, PKCS #1, SEC 1 or PKCS #8, encrypted or not, Ed25519, ECDSA on
 * a NIST curve, or RSA of 2048 to 8192 bits. It takes up to 1.5 seconds of the processor for a key that is encrypted.
 *
 * @param field what the message begins with when the key cannot be used, such as `auth.ssh_key_file_ref`
 * @throws VaultProxyError `invalid_request` with the reason, and nothing of the key
 */
export function readSshPrivateKey(
  bytes: Uint8Array,
  passphrase: Secret | undefined,
  field: string,
): SshPrivateKey {
  const refuse = (reason: string): VaultProxyError =>
    new VaultProxyError("invalid_request", `${field}: ${reason}`);
  const { fileBytes, passphraseBytes } = SSH_KEY_LIMITS;
  if (bytes.length > fileBytes)
    throw refuse(`is too large for a private key: more than ${sizeText(fileBytes)}`);
  const text = passphrase?.reveal();
  if (text !== undefined && Buffer.byteLength(text) > passphraseBytes) {
    throw refuse(`${PASSPHRASE_FIELD} is longer than ${sizeText(passphraseBytes)}`);
  }
  const armored = readArmoredKey(bytes);
  if (typeof armored === "string") throw refuse(armored);
  try {
    const key =
      armored.label === "OPENSSH PRIVATE KEY"
        ? readOpenSshKey(armored, text, refuse)
        : readPemKey(armored, text, refuse);
    if (!belongTogether(key))
      throw refuse("is damaged: its public and its private half do not belong together");
    return key;
  } finally {
    armored.body.fill(0);
  }
}

/**
 * A key that signs with SHA-1 only where that is allowed. ssh2 does so with an RSA key when the server does not say what
 * signatures it takes (RFC 8332 §3.1); this gives it an Error instead, as ssh2 does for what cannot be signed.
 */
export function onlyModernSignatures(key: SshPrivateKey, allowSha1: boolean): SshPrivateKey {
  if (allowSha1 || key.type !== "ssh-rsa") return key;
  const sign = (data: Buffer | string, hash?: string): Buffer | Error =>
    hash === "sha256" || hash === "sha512"
      ? key.sign(data, hash)
      : new Error("the server takes no RSA signature but SHA-1");
  // ssh2 knows its keys by properties that have no names: this one has them from its prototype.
  return Object.create(key, { sign: { value: sign } }) as ParsedKey;
}

function readOpenSshKey(armored: ArmoredKey, passphrase: string | undefined, refuse: Refuse): ParsedKey {
  const header = readOpenSshKeyHeader(armored.body);
  if (header === undefined) throw refuse(UNREADABLE);
  const { cipher, rounds, keys, type } = header;
  if (keys !== 1) throw refuse("holds several keys: only one can be used");
  if (type === "ssh-dss") throw refuse(`is a DSA key, which servers no longer take: ${USABLE}`);
  if (type.startsWith("sk-")) throw refuse(`needs a security key at each use: ${USABLE}`);
  if (!OPENSSH_TYPES.includes(type)) throw refuse(`is a key of a kind that is not supported: ${USABLE}`);
  const isEncrypted = cipher !== "none";
  checkPassphrase(isEncrypted, passphrase, refuse);
  if (isEncrypted && !OPENSSH_CIPHERS.test(cipher)) {
    throw refuse(
      "is encrypted with a cipher that is not supported: encrypt it with ssh-keygen -p -Z aes256-ctr",
    );
  }
  if (rounds > SSH_KEY_LIMITS.bcryptRounds) {
    throw refuse(
      `is encrypted with more than ${SSH_KEY_LIMITS.bcryptRounds} rounds of bcrypt: ${TOO_SLOW} -a 64`,
    );
  }
  const key = parse(armor("OPENSSH PRIVATE KEY", armored.body), passphrase);
  if (key === undefined) throw refuse(isEncrypted ? notDecrypted() : UNREADABLE);
  checkKind(openedPem(key.getPrivatePEM()), refuse);
  return key;
}

function readPemKey(armored: ArmoredKey, passphrase: string | undefined, refuse: Refuse): ParsedKey {
  const { label } = armored;
  if (label === "DSA PRIVATE KEY") throw refuse(`is a DSA key, which servers no longer take: ${USABLE}`);
  const isTraditional = label === "RSA PRIVATE KEY" || label === "EC PRIVATE KEY";
  const isPkcs8 = label === "PRIVATE KEY" || label === "ENCRYPTED PRIVATE KEY";
  if (!isTraditional && !isPkcs8) throw refuse("holds no private key of a format that is known");
  const isEncrypted = isTraditional
    ? armored.headers.get("Proc-Type") === "4,ENCRYPTED"
    : label === "ENCRYPTED PRIVATE KEY";
  checkPassphrase(isEncrypted, passphrase, refuse);
  const pem = isTraditional && isEncrypted ? encryptedPem(armored, refuse) : armor(label, armored.body);
  if (isPkcs8 && isEncrypted) checkDerivation(armored.body, refuse);
  const opened = openedPem(pem, passphrase);
  if (opened === undefined) throw refuse(isEncrypted ? notDecrypted() : UNREADABLE);
  checkKind(opened, refuse);
  const key = parse(inFormatOfSsh2(opened), undefined);
  if (key === undefined) throw refuse(UNREADABLE);
  return key;
}

function checkPassphrase(isEncrypted: boolean, passphrase: string | undefined, refuse: Refuse): void {
  if (isEncrypted && passphrase === undefined) throw refuse(`is encrypted: ${PASSPHRASE_FIELD} is needed`);
  if (!isEncrypted && passphrase !== undefined) {
    throw refuse(`is not encrypted: leave ${PASSPHRASE_FIELD} out`);
  }
}

const notDecrypted = (): string =>
  `cannot be decrypted: ${PASSPHRASE_FIELD} is wrong, or the file is damaged`;

function checkDerivation(der: Buffer, refuse: Refuse): void {
  const derivation = readPkcs8Derivation(der);
  if (derivation === undefined) {
    throw refuse(
      "is encrypted in a way that is not supported: encrypt it with openssl pkcs8 -topk8 -v2 aes256",
    );
  }
  const isTooSlow =
    derivation.kind === "pbkdf2"
      ? derivation.iterations > SSH_KEY_LIMITS.pbkdf2Iterations
      : derivation.work > SSH_KEY_LIMITS.scryptWork;
  if (isTooSlow) throw refuse(`is encrypted so that it takes too long to decrypt: ${TOO_SLOW}`);
}

/** RFC 1421 §4.6.1, as OpenSSL writes it. */
function encryptedPem(armored: ArmoredKey, refuse: Refuse): string {
  const cipher = armored.headers.get("DEK-Info") ?? "";
  if (!PEM_CIPHERS.test(cipher)) {
    throw refuse("is encrypted with a cipher that is not supported: encrypt it anew with ssh-keygen -p");
  }
  return armor(armored.label, armored.body, `Proc-Type: 4,ENCRYPTED\nDEK-Info: ${cipher}\n\n`);
}

function checkKind(key: KeyObject | undefined, refuse: Refuse): void {
  if (key === undefined) throw refuse(UNREADABLE);
  const { modulusLength = 0, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  const { smallestRsaBits, largestRsaBits } = SSH_KEY_LIMITS;
  switch (key.asymmetricKeyType) {
    case "ed25519":
      return;
    case "ec":
      if (!CURVES.includes(namedCurve))
        throw refuse("is an ECDSA key on a curve other than P-256, P-384, P-521");
      return;
    case "rsa":
      if (modulusLength < smallestRsaBits) {
        throw refuse(`is an RSA key of ${modulusLength} bits: at least ${smallestRsaBits} are needed`);
      }
      if (modulusLength > largestRsaBits) {
        throw refuse(`is an RSA key of ${modulusLength} bits: at most ${largestRsaBits} are taken`);
      }
      if (!hasRsaProportions(key, modulusLength / 8)) throw refuse(UNREADABLE);
      return;
    case "dsa":
      throw refuse(`is a DSA key, which servers no longer take: ${USABLE}`);
    default:
      throw refuse(`is a key of a kind that is not supported: ${USABLE}`);
  }
}

/** Numbers that are far longer than the modulus would make each signature take very long. */
function hasRsaProportions(key: KeyObject, modulusBytes: number): boolean {
  const der = key.export({ type: "pkcs1", format: "der" });
  der.fill(0);
  return der.length < 5 * modulusBytes + 64;
}

function inFormatOfSsh2(key: KeyObject): string {
  if (key.asymmetricKeyType === "rsa") return String(key.export({ type: "pkcs1", format: "pem" }));
  if (key.asymmetricKeyType === "ec") return String(key.export({ type: "sec1", format: "pem" }));
  const { d = "", x = "" } = key.export({ format: "jwk" });
  const seed = Buffer.from(d, "base64url");
  const file = encodeOpenSshEd25519(seed, Buffer.from(x, "base64url"));
  const text = armor("OPENSSH PRIVATE KEY", file);
  seed.fill(0);
  file.fill(0);
  return text;
}

/** OpenSSL wants lines of 64 characters. */
function armor(label: string, body: Buffer, headers = ""): string {
  const lines = body.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${headers}${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** Undefined when OpenSSL cannot read it: what it says may hold part of the file. */
function openedPem(key: string, passphrase?: string): KeyObject | undefined {
  try {
    return createPrivateKey({ key, format: "pem", ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    return undefined;
  }
}

/** The same of ssh2, which gives errors back and throws some too. */
function parse(text: string, passphrase: string | undefined): ParsedKey | undefined {
  try {
    const key = sshLibrary().utils.parseKey(text, passphrase);
    return key instanceof Error ? undefined : key;
  } catch {
    return undefined;
  }
}

/** ssh2 gives errors of OpenSSL back, where its types promise something else. */
function belongTogether(key: ParsedKey): boolean {
  const hash = key.type === "ssh-rsa" ? "sha256" : undefined;
  const signature: unknown = key.sign(PROBE, hash);
  if (!Buffer.isBuffer(signature)) return false;
  const isVerified: unknown = key.verify(PROBE, signature, hash);
  return isVerified === true;
}
