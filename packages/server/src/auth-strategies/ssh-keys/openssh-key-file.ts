/**
 * The private key format of OpenSSH (PROTOCOL.key in its sources): `openssh-key-v1`, NUL, string cipher, string KDF,
 * string KDF options, uint32 number of keys, a string for each public key, and a string with the private ones. Strings
 * are those of RFC 4251 §5.
 */
const MAGIC = Buffer.from("openssh-key-v1\0");

/** What can be read without the passphrase. */
export interface OpenSshKeyHeader {
  /** `none` for a key that is not encrypted. */
  readonly cipher: string;
  /** Of bcrypt; 0 for a key that is not encrypted. */
  readonly rounds: number;
  readonly keys: number;
  /** Of the first key, such as `ssh-ed25519`. */
  readonly type: string;
}

/** @returns undefined when it is no key of this format, or one with another KDF than bcrypt */
export function readOpenSshKeyHeader(body: Buffer): OpenSshKeyHeader | undefined {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const reader = readFields(body, MAGIC.length);
  const cipher = reader.text();
  const kdf = reader.text();
  const kdfOptions = reader.string();
  const keys = reader.uint32();
  const publicKey = reader.string();
  if (kdfOptions === undefined || publicKey === undefined || keys === undefined) return undefined;
  const type = readFields(publicKey).text();
  if (cipher === undefined || type === undefined) return undefined;
  if (cipher === "none") return kdf === "none" ? { cipher, rounds: 0, keys, type } : undefined;
  if (kdf !== "bcrypt") return undefined;
  const options = readFields(kdfOptions);
  options.string();
  const rounds = options.uint32();
  return rounds === undefined ? undefined : { cipher, rounds, keys, type };
}

/**
 * A file with an Ed25519 key that is not encrypted.
 *
 * @param seed 32 bytes
 * @param publicKey 32 bytes
 */
export function encodeOpenSshEd25519(seed: Buffer, publicKey: Buffer): Buffer {
  const type = string("ssh-ed25519");
  const pair = Buffer.concat([seed, publicKey]);
  // What would tell a wrong passphrase: a number that comes twice.
  const check = Buffer.alloc(8);
  const secret = padded(Buffer.concat([check, type, string(publicKey), string(pair), string("")]));
  pair.fill(0);
  const header = [MAGIC, string("none"), string("none"), string(""), uint32(1)];
  const file = Buffer.concat([...header, string(Buffer.concat([type, string(publicKey)])), string(secret)]);
  secret.fill(0);
  return file;
}

/** Each read gives undefined where the field is not whole, and so do those after it. */
function readFields(bytes: Buffer, start = 0) {
  let at = start;
  const take = (length: number): Buffer | undefined => {
    if (at + length > bytes.length) {
      at = bytes.length + 1;
      return undefined;
    }
    at += length;
    return bytes.subarray(at - length, at);
  };
  const uint32 = (): number | undefined => take(4)?.readUInt32BE();
  const string = (): Buffer | undefined => {
    const length = uint32();
    return length === undefined ? undefined : take(length);
  };
  return { uint32, string, text: (): string | undefined => string()?.toString("latin1") };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function string(value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** To whole blocks of eight bytes, with 1, 2, 3 and so on. */
function padded(bytes: Buffer): Buffer {
  const missing = (8 - (bytes.length % 8)) % 8;
  return Buffer.concat([bytes, Buffer.from(Array.from({ length: missing }, (_, index) => index + 1))]);
}
