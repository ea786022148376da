import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { encodeFileStart, parseVaultFile } from "./format.js";
import { encodeHeader } from "./header.js";
import { emptyContent, openImage, sealImage, type StoredFile } from "./image.js";
import { sealKeySlot } from "./key-slot.js";
import { DataKey, sha256, type SealedSegment } from "./segment-cipher.js";
import { RecordTexts, encodeState, type StoredFileEntry } from "./state-codec.js";
import { CHEAP_KDF_COST } from "./testing/temporary-vault.js";
import { encodeTrailer, type Trailer } from "./trailer.js";
import { DamagedVaultFileError } from "./vault-file-error.js";

const vaultId = randomBytes(16);
const newKey = () => new DataKey(Buffer.alloc(32, 7), vaultId, 0);
const header = {
  vaultId,
  generation: 3,
  createdAt: "2030-01-01T00:00:00.000Z",
  passwordSlot: sealKeySlot(
    randomBytes(32),
    { salt: randomBytes(16), cost: CHEAP_KDF_COST },
    vaultId,
    Buffer.alloc(32, 7),
  ),
  recoverySlot: undefined,
};
const open = (bytes: Buffer) =>
  openImage(newKey(), parseVaultFile(bytes), new RecordTexts(), () => Promise.resolve());

function storedFile(segment: SealedSegment): StoredFile {
  return {
    mimeType: "text/plain",
    size: segment.ciphertext.length,
    createdAt: "2030-01-01T00:00:00.000Z",
    segment,
  };
}

/** An image with two files, sealed by who has the key, but inconsistent where the arguments make it so. */
function image(edits: {
  trailer?: (right: Trailer) => Trailer;
  entries?: (right: Map<string, StoredFileEntry>) => Map<string, StoredFileEntry>;
}): Buffer {
  const key = newKey();
  const files = [key.seal("file", Buffer.from("one")), key.seal("file", Buffer.from("other"))];
  const entries = new Map(
    files.map((file, index) => [
      `f${index}`,
      {
        mime_type: "text/plain",
        size: file.ciphertext.length,
        created_at: "2030-01-01T00:00:00Z",
        segment: file.id.toString("hex"),
      },
    ]),
  );
  const { collections } = emptyContent();
  const state = { seals: 4, recoveryPsk: undefined, collections, files: edits.entries?.(entries) ?? entries };
  const segments = [key.seal("state", Buffer.concat([...encodeState(state, new RecordTexts())])), ...files];
  const headerBytes = encodeHeader(header);
  const right = { headerDigest: sha256(headerBytes), generation: header.generation, segments };
  const trailer = key.seal("end", encodeTrailer(edits.trailer?.(right) ?? right));
  return Buffer.concat([encodeFileStart(headerBytes), ...[...segments, trailer].map(({ bytes }) => bytes)]);
}

describe("an image", () => {
  test("opens to the content that was sealed", async () => {
    const key = newKey();
    const files = new Map([["f", storedFile(key.seal("file", Buffer.from("content")))]]);
    const content = { ...emptyContent(), files };
    const bytes = Buffer.concat(
      await sealImage(key, header, content, new RecordTexts(), () => Promise.resolve()),
    );
    const opened = await open(bytes);
    expect(opened.collections).toEqual(content.collections);
    expect([...opened.files.keys()]).toEqual(["f"]);
    expect(newKey().open(opened.files.get("f")!.segment).toString()).toBe("content");
    expect((await open(image({}))).files.size).toBe(2);
  });

  test.each<[string, (right: Trailer) => Trailer]>([
    ["another header", (right) => ({ ...right, headerDigest: randomBytes(32) })],
    ["another generation", (right) => ({ ...right, generation: 4 })],
    ["fewer segments", (right) => ({ ...right, segments: right.segments.slice(0, -1) })],
    ["more segments", (right) => ({ ...right, segments: [...right.segments, right.segments[0]!] })],
    ["another order", (right) => ({ ...right, segments: right.segments.toReversed() })],
    [
      "another id",
      (right) => ({ ...right, segments: right.segments.map((one) => ({ ...one, id: randomBytes(16) })) }),
    ],
    [
      "other bytes",
      (right) => ({ ...right, segments: right.segments.map((one) => ({ ...one, digest: randomBytes(32) })) }),
    ],
  ])("whose trailer names %s is refused", async (_, trailer) => {
    await expect(open(image({ trailer }))).rejects.toThrow(DamagedVaultFileError);
  });

  test.each<[string, (right: Map<string, StoredFileEntry>) => Map<string, StoredFileEntry>]>([
    ["a file without a segment", (right) => right.set("g", { ...right.get("f0")!, segment: "0".repeat(32) })],
    ["two files with one segment", (right) => right.set("f1", right.get("f0")!)],
    ["one file more than there are segments", (right) => right.set("f2", right.get("f0")!)],
    ["one file fewer than there are segments", (right) => new Map([...right].slice(1))],
    ["a file of another size", (right) => right.set("f0", { ...right.get("f0")!, size: 2 })],
  ])("whose state names %s is refused", async (_, entries) => {
    await expect(open(image({ entries }))).rejects.toThrow(DamagedVaultFileError);
  });
});
