/**
 * Algorithms that are offered only to a service that names them: SHA-1 (RFC 9142 §3, RFC 8332 §1), CBC modes
 * (CVE-2008-5161), small or arbitrary Diffie-Hellman groups, DSA.
 */
export const LEGACY_ALGORITHMS = [
  "diffie-hellman-group1-sha1",
  "diffie-hellman-group14-sha1",
  "diffie-hellman-group-exchange-sha1",
  "diffie-hellman-group-exchange-sha256",
  "ssh-rsa",
  "ssh-dss",
  "aes128-cbc",
  "aes192-cbc",
  "aes256-cbc",
  "3des-cbc",
  "hmac-sha1",
  "hmac-sha1-etm@openssh.com",
] as const;

export type LegacyAlgorithm = (typeof LEGACY_ALGORITHMS)[number];
