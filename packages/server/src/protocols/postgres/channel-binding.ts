import { createHash } from "node:crypto";
import { readDer, type DerElement } from "./der-reader.js";

const SEQUENCE = 0x30;
/** `[0]` of RSASSA-PSS-params: the hash algorithm. */
const HASH_ALGORITHM = 0xa0;

/** MD5 and SHA-1 are too weak, and SHA-256 is taken in their place (RFC 5929 §4.1). */
const INSTEAD_OF_WEAK = "sha256";

/** Hash functions by the object identifiers, in hex of their content, that stand for them alone. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ["2b0e03021a", INSTEAD_OF_WEAK], // sha1
  ["608648016503040204", "sha224"],
  ["608648016503040201", "sha256"],
  ["608648016503040202", "sha384"],
  ["608648016503040203", "sha512"],
]);

/** Signature algorithms with a hash function in them (RFC 3279, RFC 4055, RFC 5758). */
const SIGNATURES: ReadonlyMap<string, string> = new Map([
  ["2a864886f70d010104", INSTEAD_OF_WEAK], // md5WithRSAEncryption
  ["2a864886f70d010105", INSTEAD_OF_WEAK], // sha1WithRSAEncryption
  ["2a864886f70d01010e", "sha224"], // sha224WithRSAEncryption
  ["2a864886f70d01010b", "sha256"], // sha256WithRSAEncryption
  ["2a864886f70d01010c", "sha384"], // sha384WithRSAEncryption
  ["2a864886f70d01010d", "sha512"], // sha512WithRSAEncryption
  ["2a8648ce3d0401", INSTEAD_OF_WEAK], // ecdsa-with-SHA1
  ["2a8648ce3d040301", "sha224"], // ecdsa-with-SHA224
  ["2a8648ce3d040302", "sha256"], // ecdsa-with-SHA256
  ["2a8648ce3d040303", "sha384"], // ecdsa-with-SHA384
  ["2a8648ce3d040304", "sha512"], // ecdsa-with-SHA512
]);

const RSASSA_PSS = "2a864886f70d01010a";

/**
 * The channel binding `tls-server-end-point` (RFC 5929 §4): the hash of the server's certificate by the hash function
 * of its signature. Undefined where the signature has none, or none that is known (Ed25519): there, nobody can bind.
 *
 * @param certificate in DER
 */
export function tlsServerEndPoint(certificate: Buffer): Buffer | undefined {
  const hash = signatureHash(certificate);
  return hash === undefined ? undefined : createHash(hash).update(certificate).digest();
}

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue } (RFC 5280 §4.1). */
function signatureHash(certificate: Buffer): string | undefined {
  const [, algorithm] = childrenOf(readDer(certificate)?.[0], SEQUENCE);
  const [identifier, parameters] = childrenOf(algorithm, SEQUENCE);
  if (identifier === undefined) return undefined;
  const name = identifier.content.toString("hex");
  return name === RSASSA_PSS ? pssHash(parameters) : SIGNATURES.get(name);
}

/** RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm [0] DEFAULT sha1, … } (RFC 4055 §3.1). */
function pssHash(parameters: DerElement | undefined): string | undefined {
  const [first] = childrenOf(parameters, SEQUENCE);
  if (first?.tag !== HASH_ALGORITHM) return INSTEAD_OF_WEAK;
  const [algorithm] = readDer(first.content) ?? [];
  const [identifier] = childrenOf(algorithm, SEQUENCE);
  return identifier === undefined ? undefined : HASHES.get(identifier.content.toString("hex"));
}

function childrenOf(element: DerElement | undefined, tag: number): readonly DerElement[] {
  return element?.tag === tag ? (readDer(element.content) ?? []) : [];
}
