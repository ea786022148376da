import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeFileStart, encodeSegment, parseVaultFile, type Segment, type SegmentType } from "./format.js";
import { encodeHeader, type VaultHeader } from "./header.js";
import { DamagedVaultFileError, NewerVaultFormatError } from "./vault-file-error.js";
import { VAULT_FILE_LIMITS } from "./vault-file-limits.js";

const header: VaultHeader = {
  vaultId: randomBytes(16),
  generation: 7,
  createdAt: "2030-01-02T03:04:05.678Z",
  passwordSlot: {
    kind: "password",
    id: randomBytes(16),
    cost: { memoryKib: 65_536, passes: 3, lanes: 4 },
    salt: randomBytes(16),
    nonce: randomBytes(12),
    sealedKey: randomBytes(48),
  },
  recoverySlot: undefined,
};

function segment(type: SegmentType, ciphertext: Uint8Array = randomBytes(5)): Segment {
  return {
    type,
    id: randomBytes(16),
    nonce: randomBytes(12),
    ciphertext: Buffer.from(ciphertext),
    tag: randomBytes(16),
  };
}

function file(...segments: Segment[]): Buffer {
  return Buffer.concat([encodeFileStart(encodeHeader(header)), ...segments.map(encodeSegment)]);
}

function fileWithHeader(edit: (json: Record<string, unknown>) => void): Buffer {
  const json = JSON.parse(encodeHeader(header).toString()) as Record<string, unknown>;
  edit(json);
  return Buffer.concat([
    encodeFileStart(Buffer.from(JSON.stringify(json))),
    encodeSegment(segment("state")),
    encodeSegment(segment("end")),
  ]);
}

function slotOf(json: Record<string, unknown>): Record<string, unknown> {
  return (json.slots as Record<string, unknown>[])[0]!;
}

describe("the frame of a vault file", () => {
  test("is taken apart into what it was put together from", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.uint8Array({ maxLength: 50 })),
        (state, contents) => {
          const parts = [
            segment("state", state),
            ...contents.map((bytes) => segment("file", bytes)),
            segment("end"),
          ];
          const bytes = file(...parts);
          const parsed = parseVaultFile(bytes);
          expect(parsed.header).toEqual(header);
          const framed = [parsed.state, ...parsed.files, parsed.trailer];
          expect(framed.map(({ bytes: _, ...rest }) => rest)).toEqual(parts);
          expect(
            Buffer.concat([encodeFileStart(parsed.headerBytes), ...framed.map((one) => one.bytes)]),
          ).toEqual(bytes);
        },
      ),
    );
  });

  test("refuses arbitrary bytes, with and without a right beginning", () => {
    const start = encodeFileStart(encodeHeader(header));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(() => parseVaultFile(Buffer.from(bytes))).toThrow(DamagedVaultFileError);
        expect(() => parseVaultFile(Buffer.concat([start, bytes]))).toThrow(DamagedVaultFileError);
        expect(() => parseVaultFile(Buffer.concat([start.subarray(0, 8), bytes]))).toThrow(
          DamagedVaultFileError,
        );
      }),
    );
  });

  test("refuses every truncation", () => {
    const bytes = file(segment("state"), segment("file"), segment("end"));
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => parseVaultFile(bytes.subarray(0, length))).toThrow(DamagedVaultFileError);
    }
  });

  test("refuses bytes after the trailer", () => {
    const bytes = file(segment("state"), segment("end"));
    expect(() => parseVaultFile(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(DamagedVaultFileError);
    expect(() => parseVaultFile(Buffer.concat([bytes, encodeSegment(segment("file"))]))).toThrow(
      DamagedVaultFileError,
    );
  });

  test.each<SegmentType[][]>([
    [[]],
    [["state"]],
    [["end"]],
    [["end", "state"]],
    [["file", "end"]],
    [["state", "state", "end"]],
    [["state", "end", "end"]],
    [["file", "state", "end"]],
    [["state", "end", "file", "end"]],
  ])("refuses the segments %j", (types) => {
    expect(() => parseVaultFile(file(...types.map((type) => segment(type))))).toThrow(DamagedVaultFileError);
  });

  test("refuses an unknown segment type", () => {
    const odd = encodeSegment(segment("file"));
    odd[4] = 3;
    const bytes = Buffer.concat([file(segment("state")), odd, encodeSegment(segment("end"))]);
    expect(() => parseVaultFile(bytes)).toThrow(DamagedVaultFileError);
  });

  test("refuses a length over its bound before it looks for the bytes", () => {
    const start = encodeFileStart(encodeHeader(header));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(0xffff_ffff);
    expect(() => parseVaultFile(Buffer.concat([start, length]))).toThrow(/segment is too long/);
    expect(() => parseVaultFile(Buffer.concat([start.subarray(0, 8), length]))).toThrow(/header is too long/);
  });

  test("refuses more segments than a vault may have", () => {
    const files = Array.from({ length: VAULT_FILE_LIMITS.storedFiles + 1 }, () =>
      segment("file", Buffer.alloc(0)),
    );
    expect(() => parseVaultFile(file(segment("state"), ...files, segment("end")))).toThrow(
      /too many segments/,
    );
  });
});

describe("the header", () => {
  test("says which later format it has, whatever else stands in it", () => {
    const bytes = fileWithHeader((json) => {
      json.format = 2;
      json.slots = "elsewhere";
    });
    expect(() => parseVaultFile(bytes)).toThrow(NewerVaultFormatError);
  });

  test.each<[string, (json: Record<string, unknown>) => void]>([
    ["an unknown field", (json) => (json.extra = 1)],
    ["format 0", (json) => (json.format = 0)],
    ["another cipher", (json) => (json.cipher = "AES-128-GCM")],
    ["generation 0", (json) => (json.generation = 0)],
    ["a broken generation", (json) => (json.generation = 1.5)],
    ["a short vault id", (json) => (json.vault_id = "00")],
    ["a vault id in capitals", (json) => (json.vault_id = "A".repeat(32))],
    ["a time that is none", (json) => (json.created_at = "yesterday")],
    ["no slot", (json) => (json.slots = [])],
    ["two password slots", (json) => (json.slots = [slotOf(json), slotOf(json)])],
    ["nine slots", (json) => (json.slots = Array.from({ length: 9 }, () => slotOf(json)))],
    ["another kind of slot", (json) => (slotOf(json).kind = "none")],
    ["another derivation", (json) => (slotOf(json).kdf = "argon2i")],
    ["memory over 1 GiB", (json) => (slotOf(json).m_kib = 1024 * 1024 + 1)],
    ["memory under 8 KiB a lane", (json) => (slotOf(json).m_kib = 31)],
    ["no memory", (json) => (slotOf(json).m_kib = 0)],
    [
      "much memory in many passes",
      (json) => {
        slotOf(json).m_kib = 1024 * 1024;
        slotOf(json).t = 5;
      },
    ],
    ["65 passes", (json) => (slotOf(json).t = 65)],
    ["no pass", (json) => (slotOf(json).t = 0)],
    ["17 lanes", (json) => (slotOf(json).p = 17)],
    ["no lane", (json) => (slotOf(json).p = 0)],
    ["a cost that is text", (json) => (slotOf(json).t = "3")],
    ["a short salt", (json) => (slotOf(json).salt = "00")],
    ["a short nonce", (json) => (slotOf(json).nonce = "00")],
    ["a short sealed key", (json) => (slotOf(json).sealed_key = "00")],
  ])("with %s is refused", (_, edit) => {
    expect(() => parseVaultFile(fileWithHeader(edit))).toThrow(DamagedVaultFileError);
  });

  test("that is not UTF-8 is refused", () => {
    const bytes = encodeFileStart(Buffer.from([0x22, 0xff, 0x22]));
    expect(() => parseVaultFile(bytes)).toThrow(/not JSON/);
  });
});
