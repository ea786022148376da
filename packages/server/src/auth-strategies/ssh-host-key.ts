import { createHash, timingSafeEqual } from "node:crypto";

/** Public key algorithms of servers (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4). */
const KEY_TYPES: ReadonlySet<string> = new Set([
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
  "ssh-dss",
]);

const FINGERPRINT = /^SHA256:([A-Za-z0-9+/]{43})=?$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const MAX_CHARACTERS = 8192;

/** `SHA256:…`, as OpenSSH shows it. */
export function fingerprintOf(publicKey: Uint8Array): string {
  const digest = createHash("sha256").update(publicKey).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}

/** The type that a public key in wire format names (RFC 4253 §6.6); undefined if there is none that is known. */
export function keyTypeOf(publicKey: Uint8Array): string | undefined {
  const bytes = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.byteLength);
  if (bytes.length < 4) return undefined;
  const length = bytes.readUInt32BE(0);
  const type = length > 64 ? "" : bytes.toString("latin1", 4, 4 + length);
  return KEY_TYPES.has(type) && bytes.length > 4 + length ? type : undefined;
}

/** A public key in wire format, as it is kept: `ssh-ed25519 AAAA…`. */
export function formatHostKey(publicKey: Uint8Array): string {
  return `${keyTypeOf(publicKey) ?? "unknown"} ${Buffer.from(publicKey).toString("base64")}`;
}

export type HostKeyReading =
  { readonly ok: true; readonly hostKey: string } | { readonly ok: false; readonly fault: string };

/**
 * A host key as an admin gives it: a line of `ssh-keyscan`, of a `known_hosts` file, or of a `.pub` file, the base64 part
 * of one alone, or a fingerprint `SHA256:…`.
 *
 * @returns what is kept: `<type> <base64>`, or the fingerprint; or else what is wrong with it
 */
export function readHostKey(text: string): HostKeyReading {
  const refuse = (fault: string): HostKeyReading => ({ ok: false, fault });
  const line = text.trim();
  if (line.length > MAX_CHARACTERS) return refuse("is too long for a public key");
  if (/[\r\n]/.test(line)) return refuse("must be one line");
  const fingerprint = FINGERPRINT.exec(line)?.[1];
  if (fingerprint !== undefined) return { ok: true, hostKey: `SHA256:${fingerprint}` };
  if (line.startsWith("MD5:")) return refuse("must be a SHA256 fingerprint");
  if (line.startsWith("@")) return refuse("must be a key, not an entry for an authority or a revoked key");
  if (/-cert-v0\d@openssh\.com/.test(line)) return refuse("must be a key, not a certificate");
  const words = line.split(/[ \t]+/);
  const typeAt = words.findIndex((word) => KEY_TYPES.has(word));
  // Before it may stand the names of a host (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
  if (typeAt > 1) return refuse(NOT_A_KEY);
  const encoded = words[typeAt === -1 ? 0 : typeAt + 1] ?? "";
  if (!BASE64.test(encoded) || (typeAt === -1 && words.length > 1)) return refuse(NOT_A_KEY);
  const bytes = Buffer.from(encoded, "base64");
  const type = keyTypeOf(bytes);
  if (type === undefined || !hasWholeFields(bytes)) return refuse(NOT_A_KEY);
  if (typeAt !== -1 && type !== words[typeAt]) return refuse("names another type than the key has");
  return { ok: true, hostKey: formatHostKey(bytes) };
}

const NOT_A_KEY = "is neither a public key such as `ssh-ed25519 AAAA…` nor a fingerprint `SHA256:…`";

/** Every field of a public key has its length before it (RFC 4251 §5). */
function hasWholeFields(bytes: Buffer): boolean {
  let at = 0;
  let fields = 0;
  while (at + 4 <= bytes.length) {
    at += 4 + bytes.readUInt32BE(at);
    fields += 1;
  }
  return at === bytes.length && fields >= 2;
}

/** The fingerprint of a kept host key. */
export function savedFingerprint(saved: string): string {
  const [, encoded] = saved.split(" ");
  return encoded === undefined ? saved : fingerprintOf(Buffer.from(encoded, "base64"));
}

/** The type of a kept host key; undefined if only its fingerprint is known. */
export function savedKeyType(saved: string): string | undefined {
  const [type, encoded] = saved.split(" ");
  return encoded === undefined ? undefined : type;
}

/** Whether a server's public key is the kept one. */
export function isSavedHostKey(saved: string, publicKey: Uint8Array): boolean {
  const known = Buffer.from(savedFingerprint(saved));
  const shown = Buffer.from(fingerprintOf(publicKey));
  return known.length === shown.length && timingSafeEqual(known, shown);
}
