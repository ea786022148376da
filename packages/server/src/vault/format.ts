import { NONCE_BYTES, TAG_BYTES, parseHeader, type VaultHeader } from "./header.js";
import { DamagedVaultFileError } from "./vault-file-error.js";
import { VAULT_FILE_LIMITS } from "./vault-file-limits.js";

/*
 * vault.enc:  magic ‖ u32 length ‖ header JSON ‖ segment … ‖ trailer segment
 * segment:    u32 length of the rest ‖ type byte ‖ 16-byte id ‖ 12-byte nonce ‖ ciphertext ‖ 16-byte tag
 * Integers are big-endian. One `state` segment, then one `file` segment a stored file, then `end`, and nothing after.
 */

const MAGIC = "VLTPRX1\n";
const LENGTH_BYTES = 4;
const SEGMENT_ID_BYTES = 16;
const SEGMENT_OVERHEAD = 1 + SEGMENT_ID_BYTES + NONCE_BYTES + TAG_BYTES;
const MAX_SEGMENTS = VAULT_FILE_LIMITS.storedFiles + 2;

export type SegmentType = "state" | "file" | "end";

const TYPE_BYTES = { state: 1, file: 2, end: 255 } as const satisfies Record<SegmentType, number>;

/** A sealed segment taken apart. Parsed ones are views of the bytes they were parsed from. */
export interface Segment {
  readonly type: SegmentType;
  readonly id: Buffer;
  readonly nonce: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** A segment of a file, with all its bytes as they stand there. */
export interface FramedSegment extends Segment {
  readonly bytes: Buffer;
}

export interface ParsedVaultFile {
  readonly header: VaultHeader;
  readonly headerBytes: Buffer;
  readonly state: FramedSegment;
  readonly files: readonly FramedSegment[];
  readonly trailer: FramedSegment;
}

/** Additional data of a segment's seal: it opens only in its own vault, under its own id, as its own type. */
export function segmentAdditionalData(vaultId: Buffer, id: Buffer, type: SegmentType): Buffer {
  return Buffer.concat([vaultId, id, Buffer.of(TYPE_BYTES[type])]);
}

/** Whether the bytes begin as a vault file of this server does, of whatever format. */
export function isVaultFile(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, MAGIC.length) === MAGIC;
}

/** Magic, length and header, the first bytes of the file. */
export function encodeFileStart(headerBytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(MAGIC, "latin1"), lengthField(headerBytes.length), headerBytes]);
}

export function encodeSegment(segment: Segment): Buffer {
  return frameSegment(segment, [segment.ciphertext]).bytes;
}

/** The segment of a ciphertext that is in pieces. */
export function frameSegment(
  segment: Omit<Segment, "ciphertext">,
  ciphertext: readonly Buffer[],
): FramedSegment {
  const { type, id, nonce, tag } = segment;
  const length = ciphertext.reduce((sum, piece) => sum + piece.length, 0);
  const start = [lengthField(SEGMENT_OVERHEAD + length), Buffer.of(TYPE_BYTES[type]), id, nonce];
  const bytes = Buffer.concat([...start, ...ciphertext, tag]);
  const end = bytes.length - TAG_BYTES;
  return { ...segment, ciphertext: bytes.subarray(end - length, end), bytes };
}

/**
 * Takes a whole file apart without copying. It checks the frame alone: the seals, and that the segments are those the
 * trailer names, are for who holds the key.
 *
 * @throws {NewerVaultFormatError} when the header says so.
 * @throws {DamagedVaultFileError} for every other input that is not one complete frame.
 */
export function parseVaultFile(bytes: Buffer): ParsedVaultFile {
  if (bytes.length > VAULT_FILE_LIMITS.fileBytes) throw new DamagedVaultFileError("file is too large");
  if (!isVaultFile(bytes)) throw new DamagedVaultFileError("not a vault file");
  const headerStart = MAGIC.length + LENGTH_BYTES;
  const headerBytes = lengthPrefixed(bytes, MAGIC.length, VAULT_FILE_LIMITS.headerBytes, "header");
  const header = parseHeader(headerBytes);
  const segments = parseSegments(bytes, headerStart + headerBytes.length);
  const state = segments.shift();
  const trailer = segments.pop();
  if (state?.type !== "state" || trailer?.type !== "end" || segments.some(({ type }) => type !== "file")) {
    throw new DamagedVaultFileError("segments are missing or out of order");
  }
  return { header, headerBytes, state, files: segments, trailer };
}

function parseSegments(bytes: Buffer, start: number): FramedSegment[] {
  const segments: FramedSegment[] = [];
  let offset = start;
  while (offset < bytes.length) {
    if (segments.length === MAX_SEGMENTS) throw new DamagedVaultFileError("too many segments");
    const body = lengthPrefixed(bytes, offset, VAULT_FILE_LIMITS.segmentBytes + SEGMENT_OVERHEAD, "segment");
    const end = offset + LENGTH_BYTES + body.length;
    segments.push(parseSegment(body, bytes.subarray(offset, end)));
    offset = end;
  }
  return segments;
}

function parseSegment(body: Buffer, bytes: Buffer): FramedSegment {
  const typeByte = body[0];
  const type = (["state", "file", "end"] as const).find((name) => TYPE_BYTES[name] === typeByte);
  if (type === undefined || body.length < SEGMENT_OVERHEAD)
    throw new DamagedVaultFileError("unknown segment");
  const nonceStart = 1 + SEGMENT_ID_BYTES;
  const ciphertextStart = nonceStart + NONCE_BYTES;
  const tagStart = body.length - TAG_BYTES;
  return {
    type,
    id: body.subarray(1, nonceStart),
    nonce: body.subarray(nonceStart, ciphertextStart),
    ciphertext: body.subarray(ciphertextStart, tagStart),
    tag: body.subarray(tagStart),
    bytes,
  };
}

function lengthPrefixed(bytes: Buffer, offset: number, maximum: number, what: string): Buffer {
  const start = offset + LENGTH_BYTES;
  if (start > bytes.length) throw new DamagedVaultFileError(`${what} is cut short`);
  const length = bytes.readUInt32BE(offset);
  if (length > maximum) throw new DamagedVaultFileError(`${what} is too long`);
  if (start + length > bytes.length) throw new DamagedVaultFileError(`${what} is cut short`);
  return bytes.subarray(start, start + length);
}

function lengthField(length: number): Buffer {
  const field = Buffer.alloc(LENGTH_BYTES);
  field.writeUInt32BE(length);
  return field;
}
