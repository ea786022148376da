const KIB = 1024;
const MIB = 1024 * KIB;

/** Bounds of `vault.enc` and of what is kept in it, checked before anything is allocated or derived. */
export const VAULT_FILE_LIMITS = {
  /** The whole file. It is read into memory at unlock, so this bounds memory as well. */
  fileBytes: 512 * MIB,
  headerBytes: 64 * KIB,
  /** Ciphertext of one segment; the state of 10,000 services takes about 5 MiB. */
  segmentBytes: 256 * MIB,
  /** Stored files, each a segment of its own. */
  storedFiles: 10_000,
  storedFileBytes: 64 * MIB,
  recordsPerCollection: 100_000,
  recordBytes: 4 * MIB,
  recordNameBytes: 1024,
  recordDepth: 64,
  /** Changes that wait for a save. */
  waitingChanges: 10_000,
} as const;

/** Bounds of the Argon2id cost that a file may ask for (RFC 9106 §3.1), so that a hostile file cannot exhaust the host. */
export const KDF_COST_LIMITS = {
  memoryKib: { min: 8, max: 1024 * KIB },
  passes: { min: 1, max: 64 },
  lanes: { min: 1, max: 16 },
  /** Memory times passes, which is what a derivation's time goes by: a few seconds. */
  memoryKibTimesPasses: 4 * 1024 * KIB,
} as const;

/** Unlock attempts: how many, how fast, and how long a caller is barred. */
export const UNLOCK_LIMITS = {
  /** Derivations that may wait while one runs; each runs with 64 MiB and about 0.3 s of processor time. */
  waitingDerivations: 4,
  failuresBeforeLockOut: 5,
  firstLockOutSeconds: 30,
  longestLockOutSeconds: 32 * 60,
  /** The pace of callers that are slowed but never barred. */
  slowedCallerSeconds: 1,
  rememberedCallers: 1024,
  lockOutFileBytes: MIB,
} as const;

export const PASSWORD_LIMITS = {
  minCharacters: 8,
  maxBytes: 4 * KIB,
} as const;

/**
 * AES-256-GCM with random 96-bit nonces: after 2^30 seals a data key is replaced, far under the 2^32 of
 * NIST SP 800-38D §8.3.
 */
export const SEALS_PER_DATA_KEY = 2 ** 30;
