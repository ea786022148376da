import { encodeFileStart, type FramedSegment, type ParsedVaultFile } from "./format.js";
import { encodeHeader, type VaultHeader } from "./header.js";
import { sha256, type DataKey, type SealedSegment } from "./segment-cipher.js";
import {
  decodeState,
  encodeState,
  type CollectionMaps,
  type RecordTexts,
  type StoredFileEntry,
} from "./state-codec.js";
import { encodeTrailer, parseTrailer, type TrailerEntry } from "./trailer.js";
import { DamagedVaultFileError } from "./vault-file-error.js";

/** A stored file in memory: what is known of it, and its bytes as they stand sealed in the vault file. */
export interface StoredFile {
  readonly mimeType: string;
  readonly size: number;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly segment: SealedSegment;
}

export interface VaultContent {
  readonly collections: CollectionMaps;
  readonly files: ReadonlyMap<string, StoredFile>;
  /** The pre-shared key of the recovery slot, if there is one. */
  readonly recoveryPsk: Buffer | undefined;
}

export function emptyContent(): VaultContent {
  return {
    collections: { services: new Map(), tokens: new Map(), policies: new Map(), settings: new Map() },
    files: new Map(),
    recoveryPsk: undefined,
  };
}

/** Seals made by {@link sealImage} itself: the state and the trailer. */
export const SEALS_PER_SAVE = 2;

/** Between two files the event loop gets a turn, for a vault may hold hundreds of megabytes. */
export type Breathe = () => Promise<void>;

/**
 * The bytes of a whole vault file, in order. Stored files are copied as they are; state and trailer are sealed anew.
 * Between pieces of the state the event loop gets a turn: `content` must not be changed.
 */
export async function sealImage(
  key: DataKey,
  header: VaultHeader,
  content: VaultContent,
  texts: RecordTexts,
  breathe: Breathe,
): Promise<Buffer[]> {
  const headerBytes = encodeHeader(header);
  const plaintext = encodeState(
    {
      seals: key.seals + SEALS_PER_SAVE,
      recoveryPsk: content.recoveryPsk,
      collections: content.collections,
      files: fileEntries(content.files),
    },
    texts,
  );
  const state = await key.sealPieces("state", plaintext, breathe);
  const segments = [state, ...[...content.files.values()].map((file) => file.segment)];
  const trailer = key.seal(
    "end",
    encodeTrailer({ headerDigest: sha256(headerBytes), generation: header.generation, segments }),
  );
  return [encodeFileStart(headerBytes), ...segments.map((segment) => segment.bytes), trailer.bytes];
}

/**
 * Opens a parsed file with its data key, and checks that it is whole: the header, the generation and every segment are
 * those that the trailer names.
 *
 * @throws {DamagedVaultFileError} if anything in it is not as it was sealed.
 */
export async function openImage(
  key: DataKey,
  parsed: ParsedVaultFile,
  texts: RecordTexts,
  breathe: Breathe,
): Promise<VaultContent> {
  const trailer = parseTrailer(key.open(parsed.trailer));
  if (!trailer.headerDigest.equals(sha256(parsed.headerBytes)))
    throw new DamagedVaultFileError("header was changed");
  if (trailer.generation !== parsed.header.generation)
    throw new DamagedVaultFileError("generation was changed");
  if (trailer.segments.length !== parsed.files.length + 1)
    throw new DamagedVaultFileError("segments are missing");
  const [stateEntry, ...fileEntriesOfTrailer] = trailer.segments;
  checkedSegment(parsed.state, stateEntry);
  const sealedFiles = new Map<string, SealedSegment>();
  for (const [index, segment] of parsed.files.entries()) {
    sealedFiles.set(segment.id.toString("hex"), checkedSegment(segment, fileEntriesOfTrailer[index]));
    await breathe();
  }
  if (sealedFiles.size !== parsed.files.length) throw new DamagedVaultFileError("a segment stands twice");
  const plaintext = key.open(parsed.state);
  try {
    const state = decodeState(plaintext, texts);
    key.countAtLeast(state.seals);
    if ((state.recoveryPsk === undefined) !== (parsed.header.recoverySlot === undefined)) {
      throw new DamagedVaultFileError("recovery slot and state do not match");
    }
    const { collections, recoveryPsk } = state;
    return { collections, files: matchFiles(state.files, sealedFiles), recoveryPsk };
  } finally {
    plaintext.fill(0);
  }
}

function checkedSegment(segment: FramedSegment, entry: TrailerEntry | undefined): SealedSegment {
  const digest = sha256(segment.bytes);
  if (entry?.id.equals(segment.id) !== true || !entry.digest.equals(digest)) {
    throw new DamagedVaultFileError("a segment is not the one that the trailer names");
  }
  return { ...segment, digest };
}

function fileEntries(files: ReadonlyMap<string, StoredFile>): ReadonlyMap<string, StoredFileEntry> {
  return new Map(
    [...files].map(([name, file]) => [
      name,
      {
        mime_type: file.mimeType,
        size: file.size,
        created_at: file.createdAt,
        segment: file.segment.id.toString("hex"),
      },
    ]),
  );
}

function matchFiles(
  entries: ReadonlyMap<string, StoredFileEntry>,
  sealedFiles: ReadonlyMap<string, SealedSegment>,
): ReadonlyMap<string, StoredFile> {
  const files = new Map<string, StoredFile>();
  const used = new Set<string>();
  for (const [name, entry] of entries) {
    const segment = sealedFiles.get(entry.segment);
    if (segment?.ciphertext.length !== entry.size) {
      throw new DamagedVaultFileError("a stored file is not as the state says");
    }
    used.add(entry.segment);
    files.set(name, { mimeType: entry.mime_type, size: entry.size, createdAt: entry.created_at, segment });
  }
  if (used.size !== files.size || used.size !== sealedFiles.size) {
    throw new DamagedVaultFileError("segments and stored files do not match");
  }
  return files;
}
