/** How the key of an encrypted PKCS #8 file is derived from its passphrase (RFC 8018 §6.2, RFC 7914 §7). */
export type Pkcs8Derivation =
  | { readonly kind: "pbkdf2"; readonly iterations: number }
  | { readonly kind: "scrypt"; readonly work: number };

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;

/** In hexadecimal, as they stand in the file. */
const PBES2 = "2a864886f70d01050d";
const PBKDF2 = "2a864886f70d01050c";
const SCRYPT = "2b06010401da47040b";

/** What does not fit in so many bytes is beyond every limit. */
const INTEGER_BYTES = 6;

/**
 * Reads it from an EncryptedPrivateKeyInfo in DER (RFC 5958 §3).
 *
 * @returns undefined for another structure, and for the encryption of PKCS #5 version 1 and of PKCS #12
 */
export function readPkcs8Derivation(der: Buffer): Pkcs8Derivation | undefined {
  const algorithm = elements(elements(der)?.[0], SEQUENCE)?.[0];
  const [scheme, schemeParameters] = elements(algorithm, SEQUENCE) ?? [];
  if (!isObject(scheme, PBES2)) return undefined;
  const derivation = elements(schemeParameters, SEQUENCE)?.[0];
  const [name, parameters] = elements(derivation, SEQUENCE) ?? [];
  const [salt, ...numbers] = elements(parameters, SEQUENCE) ?? [];
  if (salt?.tag !== OCTET_STRING) return undefined;
  const [first, second, third] = numbers.map(integer);
  if (first === undefined) return undefined;
  if (isObject(name, PBKDF2)) return { kind: "pbkdf2", iterations: first };
  if (!isObject(name, SCRYPT) || second === undefined || third === undefined) return undefined;
  return { kind: "scrypt", work: first * second * third };
}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/** Of bytes, or of an element if it has the tag; undefined unless all are whole and of known length (X.690 §8.1). */
function elements(of: Buffer | Element | undefined, tag?: number): Element[] | undefined {
  if (of === undefined) return undefined;
  if (!Buffer.isBuffer(of) && of.tag !== tag) return undefined;
  const bytes = Buffer.isBuffer(of) ? of : of.content;
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const short = bytes[at + 1];
    if (short === undefined) return undefined;
    const lengthBytes = short < 0x80 ? 0 : short - 0x80;
    const start = at + 2 + lengthBytes;
    if (short === 0x80 || lengthBytes > 3 || start > bytes.length) return undefined;
    const length = lengthBytes === 0 ? short : bytes.readUIntBE(at + 2, lengthBytes);
    if (start + length > bytes.length) return undefined;
    found.push({ tag: bytes[at] ?? 0, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}

function isObject(element: Element | undefined, identifier: string): boolean {
  return element?.tag === OBJECT_IDENTIFIER && element.content.toString("hex") === identifier;
}

/** Undefined for another tag; a negative one counts as beyond every limit, as what OpenSSL makes of it. */
function integer(element: Element): number | undefined {
  const { tag, content } = element;
  if (tag !== INTEGER || content.length === 0) return undefined;
  const [first = 0] = content;
  if (first >= 0x80 || content.length > INTEGER_BYTES) return Number.POSITIVE_INFINITY;
  return content.readUIntBE(0, content.length);
}
