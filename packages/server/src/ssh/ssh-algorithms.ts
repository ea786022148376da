import type { Algorithms } from "ssh2";
import type { LegacyAlgorithm } from "../auth-strategies/ssh-types/legacy-algorithms.js";

type Kind = "kex" | "serverHostKey" | "cipher" | "hmac";
type Lists = Readonly<Record<Kind, readonly string[]>>;

/** What is offered to every server, the best first (RFC 9142; ssh-audit's guides): no SHA-1, no CBC, no DSA, no small group. */
const MODERN: Lists = {
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha256",
  ],
  serverHostKey: [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
  ],
  cipher: [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
  ],
  hmac: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"],
};

const KIND_OF_LEGACY: Readonly<Record<LegacyAlgorithm, Kind>> = {
  "diffie-hellman-group1-sha1": "kex",
  "diffie-hellman-group14-sha1": "kex",
  "diffie-hellman-group-exchange-sha1": "kex",
  "diffie-hellman-group-exchange-sha256": "kex",
  "ssh-rsa": "serverHostKey",
  "ssh-dss": "serverHostKey",
  "aes128-cbc": "cipher",
  "aes192-cbc": "cipher",
  "aes256-cbc": "cipher",
  "3des-cbc": "cipher",
  "hmac-sha1": "hmac",
  "hmac-sha1-etm@openssh.com": "hmac",
};

/** The signature algorithms of a host key's type (RFC 8332 §3). */
const SIGNATURES_OF_TYPE: Readonly<Record<string, readonly string[]>> = {
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
};

/**
 * What is offered to a server (RFC 4253 §7.1).
 * @param legacy algorithms offered besides, the last of their kind
 * @param knownKeyType of the server: its algorithms come first, so that a server with several keys shows the known one
 */
export function offeredAlgorithms(legacy: readonly string[], knownKeyType: string | undefined): Algorithms {
  const offered = (kind: Kind): string[] => [
    ...MODERN[kind],
    ...legacy.filter((name) => KIND_OF_LEGACY[name as LegacyAlgorithm] === kind),
  ];
  const known = new Set(
    knownKeyType === undefined ? [] : (SIGNATURES_OF_TYPE[knownKeyType] ?? [knownKeyType]),
  );
  const hostKeys = offered("serverHostKey");
  // The library's types lack names that it knows.
  return {
    kex: offered("kex"),
    serverHostKey: [
      ...hostKeys.filter((name) => known.has(name)),
      ...hostKeys.filter((name) => !known.has(name)),
    ],
    cipher: offered("cipher"),
    hmac: offered("hmac"),
    compress: ["none"],
  } as Algorithms;
}
