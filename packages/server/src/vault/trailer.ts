import { DamagedVaultFileError } from "./vault-file-error.js";

const DIGEST_BYTES = 32;
const ID_BYTES = 16;
const FIXED_BYTES = DIGEST_BYTES + 8 + 4;
const ENTRY_BYTES = ID_BYTES + DIGEST_BYTES;

export interface TrailerEntry {
  readonly id: Buffer;
  /** SHA-256 of the whole segment, its length field included. */
  readonly digest: Buffer;
}

/** What the last segment seals: it binds the header, the generation, and which segments stand in which order. */
export interface Trailer {
  /** SHA-256 of the header's JSON bytes. */
  readonly headerDigest: Buffer;
  readonly generation: number;
  readonly segments: readonly TrailerEntry[];
}

/** `headerDigest ‖ u64 generation ‖ u32 count ‖ count × (id ‖ digest)`, integers big-endian. */
export function encodeTrailer(trailer: Trailer): Buffer {
  const fixed = Buffer.alloc(FIXED_BYTES);
  trailer.headerDigest.copy(fixed, 0);
  fixed.writeBigUInt64BE(BigInt(trailer.generation), DIGEST_BYTES);
  fixed.writeUInt32BE(trailer.segments.length, DIGEST_BYTES + 8);
  return Buffer.concat([fixed, ...trailer.segments.flatMap((entry) => [entry.id, entry.digest])]);
}

/** @throws {DamagedVaultFileError} unless `bytes` is exactly one encoded trailer. */
export function parseTrailer(bytes: Buffer): Trailer {
  if (bytes.length < FIXED_BYTES) throw new DamagedVaultFileError("trailer is too short");
  const generation = bytes.readBigUInt64BE(DIGEST_BYTES);
  const count = bytes.readUInt32BE(DIGEST_BYTES + 8);
  if (bytes.length !== FIXED_BYTES + count * ENTRY_BYTES || generation > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new DamagedVaultFileError("trailer has the wrong length");
  }
  const segments = Array.from({ length: count }, (_, index) => {
    const start = FIXED_BYTES + index * ENTRY_BYTES;
    return {
      id: bytes.subarray(start, start + ID_BYTES),
      digest: bytes.subarray(start + ID_BYTES, start + ENTRY_BYTES),
    };
  });
  return { headerDigest: bytes.subarray(0, DIGEST_BYTES), generation: Number(generation), segments };
}
