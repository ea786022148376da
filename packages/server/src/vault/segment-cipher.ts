import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import {
  frameSegment,
  segmentAdditionalData,
  type FramedSegment,
  type Segment,
  type SegmentType,
} from "./format.js";
import { NONCE_BYTES, TAG_BYTES } from "./header.js";
import { DamagedVaultFileError } from "./vault-file-error.js";

const SEGMENT_ID_BYTES = 16;
const CIPHER = "aes-256-gcm";

/** A segment as it stands in a file, ready to be copied from save to save. */
export interface SealedSegment extends Segment {
  readonly bytes: Buffer;
  /** SHA-256 of `bytes`. */
  readonly digest: Buffer;
}

/** AES-256-GCM (NIST SP 800-38D): 96-bit nonce, 128-bit tag. */
export function sealBytes(
  key: Buffer,
  nonce: Buffer,
  additionalData: Buffer,
  plaintext: Uint8Array,
): { ciphertext: Buffer; tag: Buffer } {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(additionalData);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return { ciphertext, tag: cipher.getAuthTag() };
}

/** The plaintext, or undefined when key, nonce, additional data, ciphertext and tag do not belong together. */
export function openBytes(
  key: Buffer,
  nonce: Buffer,
  additionalData: Buffer,
  ciphertext: Buffer,
  tag: Buffer,
): Buffer | undefined {
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(additionalData);
  decipher.setAuthTag(tag);
  const plaintext = decipher.update(ciphertext);
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    return undefined;
  }
  return plaintext;
}

/**
 * The data key at work: it seals and opens the segments of one vault, counts its seals, and is wiped by
 * {@link DataKey.destroy}. It takes the key's Buffer over.
 */
export class DataKey {
  readonly #key: Buffer;
  readonly #vaultId: Buffer;
  #seals: number;
  #destroyed = false;

  constructor(key: Buffer, vaultId: Buffer, sealsSoFar: number) {
    this.#key = key;
    this.#vaultId = vaultId;
    this.#seals = sealsSoFar;
  }

  /** Seals made with this key by every process that had it, failed saves of this one included. */
  get seals(): number {
    return this.#seals;
  }

  /** Raises the count to what the file says; the count of a file is known only once its state is open. */
  countAtLeast(seals: number): void {
    this.#seals = Math.max(this.#seals, seals);
  }

  /** Seals under a fresh random nonce and a fresh random id. */
  seal(type: SegmentType, plaintext: Uint8Array): SealedSegment {
    const { id, nonce, additionalData } = this.#begin(type);
    const { ciphertext, tag } = sealBytes(this.#key, nonce, additionalData, plaintext);
    return withDigest(frameSegment({ type, id, nonce, tag }, [ciphertext]));
  }

  /**
   * As {@link DataKey.seal}, of a plaintext that is made piece by piece. Each is wiped once it is sealed, and `breathe`
   * awaited between two.
   */
  async sealPieces(
    type: SegmentType,
    pieces: Iterable<Buffer>,
    breathe: () => Promise<void>,
  ): Promise<SealedSegment> {
    const { id, nonce, additionalData } = this.#begin(type);
    const cipher = createCipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(additionalData);
    const ciphertext: Buffer[] = [];
    for (const piece of pieces) {
      // A vault of one piece is sealed at once.
      if (ciphertext.length > 0) await breathe();
      ciphertext.push(cipher.update(piece));
      piece.fill(0);
    }
    if (ciphertext.length > 1) await breathe();
    ciphertext.push(cipher.final());
    return withDigest(frameSegment({ type, id, nonce, tag: cipher.getAuthTag() }, ciphertext));
  }

  /** @throws {DamagedVaultFileError} unless the segment was sealed by this key for this vault, id and type. */
  open(segment: Segment): Buffer {
    this.#assertAlive();
    const additionalData = segmentAdditionalData(this.#vaultId, segment.id, segment.type);
    const plaintext = openBytes(this.#key, segment.nonce, additionalData, segment.ciphertext, segment.tag);
    if (plaintext === undefined) throw new DamagedVaultFileError(`segment "${segment.type}" does not open`);
    return plaintext;
  }

  destroy(): void {
    this.#destroyed = true;
    this.#key.fill(0);
  }

  #begin(type: SegmentType): { id: Buffer; nonce: Buffer; additionalData: Buffer } {
    this.#assertAlive();
    this.#seals += 1;
    const id = randomBytes(SEGMENT_ID_BYTES);
    const nonce = randomBytes(NONCE_BYTES);
    return { id, nonce, additionalData: segmentAdditionalData(this.#vaultId, id, type) };
  }

  #assertAlive(): void {
    // An all-zero key would seal without complaint.
    if (this.#destroyed) throw new Error("the data key has been wiped");
  }
}

function withDigest(segment: FramedSegment): SealedSegment {
  return { ...segment, digest: sha256(segment.bytes) };
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
