import argon2 from "argon2";
import type { Secret } from "../redaction/secret.js";
import { KEY_BYTES, type KdfCost } from "./header.js";
import { KDF_COST_LIMITS } from "./vault-file-limits.js";

/** The second recommended option of RFC 9106 §4 (64 MiB, three passes, four lanes); never written lower. */
export const DEFAULT_KDF_COST: KdfCost = { memoryKib: 65_536, passes: 3, lanes: 4 };

/** Argon2 version 1.3, the one of RFC 9106. */
const ARGON2_VERSION = 0x13;

/**
 * Derives a 256-bit key from the password by Argon2id (RFC 9106), on the library's own threads. The Buffer is the
 * caller's to wipe.
 *
 * @throws {RangeError} for a cost out of bounds, before any memory is taken.
 */
export async function deriveKey(password: Secret, salt: Buffer, cost: KdfCost): Promise<Buffer> {
  const { memoryKib, passes, lanes } = KDF_COST_LIMITS;
  assertWithin(cost.memoryKib, memoryKib);
  assertWithin(cost.passes, passes);
  assertWithin(cost.lanes, lanes);
  const passwordBytes = Buffer.from(password.reveal());
  try {
    return await argon2.hash(passwordBytes, {
      raw: true,
      type: argon2.argon2id,
      version: ARGON2_VERSION,
      salt,
      memoryCost: cost.memoryKib,
      timeCost: cost.passes,
      parallelism: cost.lanes,
      hashLength: KEY_BYTES,
    });
  } finally {
    passwordBytes.fill(0);
  }
}

/** Whether a slot was made at a lower cost than is written now. Lanes are not a cost: fewer make a guess slower. */
export function isWeakerThan(cost: KdfCost, wanted: KdfCost): boolean {
  return cost.memoryKib < wanted.memoryKib || cost.passes < wanted.passes;
}

function assertWithin(value: number, bounds: { readonly min: number; readonly max: number }): void {
  if (!Number.isInteger(value) || value < bounds.min || value > bounds.max) {
    throw new RangeError("key derivation cost out of bounds");
  }
}
