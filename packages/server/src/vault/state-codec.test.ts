import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyContent } from "./image.js";
import { RecordTexts, decodeState, encodeState, type VaultState } from "./state-codec.js";
import { DamagedVaultFileError } from "./vault-file-error.js";

const records = fc
  .array(fc.tuple(fc.string(), fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true })))
  .map((entries) => new Map<string, object>(entries));

const fileEntry = fc.record({
  mime_type: fc.string(),
  size: fc.nat(1024),
  created_at: fc
    .date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-01-01") })
    .map((date) => date.toISOString()),
  segment: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString("hex")),
});

function encoded(...[original, texts]: Parameters<typeof encodeState>): Buffer {
  return Buffer.concat([...encodeState(original, texts)]);
}

const state: fc.Arbitrary<VaultState> = fc.record({
  seals: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  recoveryPsk: fc.option(
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
    { nil: undefined },
  ),
  collections: fc.record({ services: records, tokens: records, policies: records, settings: records }),
  files: fc.array(fc.tuple(fc.string(), fileEntry)).map((entries) => new Map(entries)),
});

describe("the state", () => {
  test("comes back as it was written, in the same order", () => {
    fc.assert(
      fc.property(state, (original) => {
        const bytes = encoded(original, new RecordTexts());
        const texts = new RecordTexts();
        const read = decodeState(bytes, texts);
        expect(read).toEqual(original);
        expect([...read.collections.services.keys()]).toEqual([...original.collections.services.keys()]);
        expect(encoded(read, texts)).toEqual(bytes);
      }),
    );
  });

  test("is made in pieces when it is long, and no piece without a line is", () => {
    const records = (count: number) =>
      new Map(Array.from({ length: count }, (_, index) => [`"${index}"`, { text: "ä".repeat(1000) }]));
    const { collections } = emptyContent();
    const long = {
      seals: 1,
      recoveryPsk: undefined,
      collections: { ...collections, services: records(600), tokens: records(1) },
      files: new Map(),
    };
    const pieces = [...encodeState(long, new RecordTexts())];
    expect(pieces.length).toBe(3);
    expect(pieces.every((piece) => piece.length > 0)).toBe(true);
    expect(decodeState(Buffer.concat(pieces), new RecordTexts())).toEqual(long);
  });

  test("is written from the texts of unchanged records", () => {
    const record = { a: 1 };
    const texts = new RecordTexts();
    texts.remember(record, '{"from":"memory"}');
    const collections = {
      services: new Map([["x", record]]),
      tokens: new Map(),
      policies: new Map(),
      settings: new Map(),
    };
    expect(
      encoded({ seals: 1, recoveryPsk: undefined, collections, files: new Map() }, texts).toString(),
    ).toBe('{"state":1,"seals":1}\n["services","x",{"from":"memory"}]');
  });

  test.each([
    "",
    "{}",
    '{"state":2,"seals":1}',
    '{"state":1,"seals":0}',
    '{"state":1,"seals":1}\n',
    '{"state":1,"seals":1}\nnot json',
    '{"state":1,"seals":1}\n{}',
    '{"state":1,"seals":1}\n["services","a"]',
    '{"state":1,"seals":1}\n["services",1,{}]',
    '{"state":1,"seals":1}\n["services","a",1]',
    '{"state":1,"seals":1}\n["services","a",{"$x":1}]',
    '{"state":1,"seals":1}\n["unknown","a",{}]',
    '{"state":1,"seals":1}\n["__proto__","a",{}]',
    '{"state":1,"seals":1}\n["tokens","a",{}]\n["tokens","a",{}]',
    '{"state":1,"seals":1}\n["files","a",{"mime_type":"","size":1,"created_at":"","segment":"00"}]',
  ])("of the text %j is refused", (text) => {
    expect(() => decodeState(Buffer.from(text), new RecordTexts())).toThrow(DamagedVaultFileError);
  });

  test("of arbitrary bytes is refused", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(() => decodeState(Buffer.from(bytes), new RecordTexts())).toThrow(DamagedVaultFileError);
      }),
    );
  });
});
