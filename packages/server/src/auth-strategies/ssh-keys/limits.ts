/**
 * What a private key may cost to read. All of it is read at once, in the only thread there is: a key made to be read
 * slowly would hold up every call.
 */
export const SSH_KEY_LIMITS = {
  /** Of a file; the largest RSA key that is taken has 13 KB in Base64. */
  fileBytes: 32 * 1024,
  /** What OpenSSL takes at most for an encrypted key. */
  passphraseBytes: 1023,
  /** Of bcrypt, some 11 ms each in JavaScript; ssh-keygen takes 16 or 24 unless told otherwise, and people tell it 100. */
  bcryptRounds: 128,
  /** Of PBKDF2: about half a second. */
  pbkdf2Iterations: 1_000_000,
  /** Of scrypt: N times r times p (RFC 7914 §2), about half a second. OpenSSL itself limits the memory. */
  scryptWork: 2 ** 20,
  /** What is shorter can be factored (NIST SP 800-131A). */
  smallestRsaBits: 2048,
  /** A signature takes some 100 ms. */
  largestRsaBits: 8192,
} as const;
