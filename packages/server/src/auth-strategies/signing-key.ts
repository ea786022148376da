import { createPrivateKey, webcrypto, type KeyObject } from "node:crypto";
import { VaultProxyError } from "../errors/vault-proxy-error.js";

/** The algorithms a JWT of ours may be signed with (RFC 7518 §3.1, RFC 8037 §3.1). No other is ever used. */
export const SIGNING_ALGORITHMS = ["RS256", "ES256", "EdDSA"] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** RFC 7518 §3.3. */
const SMALLEST_RSA_BITS = 2048;
const LARGEST_RSA_BITS = 16_384;

type ImportAlgorithm = Parameters<typeof webcrypto.subtle.importKey>[2];

const IMPORT_ALGORITHMS: Readonly<Record<SigningAlgorithm, ImportAlgorithm>> = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  EdDSA: { name: "Ed25519" },
};

export interface SigningKey {
  readonly algorithm: SigningAlgorithm;
  readonly key: webcrypto.CryptoKey;
}

/**
 * Reads a private key in PEM: PKCS #8, PKCS #1 or SEC 1, not encrypted.
 *
 * @param field what the message names when the key cannot be used
 * @throws VaultProxyError `invalid_request` with the reason
 */
export async function readSigningKey(
  pem: string,
  field: string,
  wanted?: SigningAlgorithm,
): Promise<SigningKey> {
  const key = parsePem(pem, field);
  const algorithm = algorithmOf(key, field);
  if (wanted !== undefined && wanted !== algorithm) {
    throw refuse(field, `its key is for ${algorithm}, not for ${wanted}`);
  }
  const der = key.export({ type: "pkcs8", format: "der" });
  try {
    const imported = await webcrypto.subtle.importKey("pkcs8", der, IMPORT_ALGORITHMS[algorithm], false, [
      "sign",
    ]);
    return { algorithm, key: imported };
  } finally {
    der.fill(0);
  }
}

function parsePem(pem: string, field: string): KeyObject {
  if (pem.includes("ENCRYPTED")) throw refuse(field, "its key is encrypted with a passphrase");
  try {
    return createPrivateKey({ key: pem, format: "pem" });
  } catch {
    // OpenSSL's message may name what it read.
    throw refuse(field, "holds no private key in PEM that can be read");
  }
}

function algorithmOf(key: KeyObject, field: string): SigningAlgorithm {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "rsa") {
    if (modulusLength < SMALLEST_RSA_BITS) {
      throw refuse(field, `its RSA key has ${modulusLength} bits; at least ${SMALLEST_RSA_BITS} are needed`);
    }
    if (modulusLength > LARGEST_RSA_BITS) throw refuse(field, "its RSA key is too large");
    return "RS256";
  }
  if (key.asymmetricKeyType === "ec" && namedCurve === "prime256v1") return "ES256";
  if (key.asymmetricKeyType === "ed25519") return "EdDSA";
  throw refuse(field, "its key is neither RSA, nor EC on P-256, nor Ed25519");
}

function refuse(field: string, reason: string): VaultProxyError {
  return new VaultProxyError("invalid_request", `${field}: ${reason}`);
}
