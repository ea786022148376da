/** The magic of OpenSSH's format (PROTOCOL.key, section 1), after which stands the name of the cipher. */
const OPENSSH_MAGIC = "openssh-key-v1\0";

/** Whether a private key needs a passphrase, by what its file tells without one. What is no key needs none. */
export function isEncryptedKey(text: string): boolean {
  // PKCS#8, the older PEM (RFC 1421 §4.6.1.1), and PuTTY.
  if (text.includes("-----BEGIN ENCRYPTED PRIVATE KEY-----")) return true;
  if (/^Proc-Type: 4,ENCRYPTED/m.test(text)) return true;
  if (/^Encryption: (?!none)/m.test(text)) return true;
  const [, encoded] = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END/.exec(text) ?? [];
  if (encoded === undefined) return false;
  const bytes = Buffer.from(encoded, "base64");
  const at = OPENSSH_MAGIC.length;
  if (bytes.toString("latin1", 0, at) !== OPENSSH_MAGIC || bytes.length < at + 4) return false;
  return bytes.toString("latin1", at + 4, at + 4 + bytes.readUInt32BE(at)) !== "none";
}
