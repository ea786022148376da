import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  acceptableCodings,
  createDecoders,
  mayBeginEncoded,
  parseContentCodings,
} from "./content-decoding.js";

const ENCODERS: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: zlib.gzipSync,
  "x-gzip": zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: zlib.brotliCompressSync,
};

async function decode(bytes: Buffer, codings: readonly string[], pieceBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += pieceBytes)
    pieces.push(bytes.subarray(start, start + pieceBytes));
  const decoded: Buffer[] = [];
  const collect = new Writable({
    write(chunk: Buffer, _encoding, done) {
      decoded.push(chunk);
      done();
    },
  });
  await pipeline([Readable.from(pieces), ...createDecoders(codings), collect]);
  return Buffer.concat(decoded);
}

const text = Buffer.from("some text that repeats, some text that repeats, ".repeat(5000));

describe("a decoder", () => {
  test.each(Object.keys(ENCODERS))("undoes %s, in one piece and byte by byte", async (coding) => {
    const small = text.subarray(0, 500);
    expect((await decode(ENCODERS[coding]?.(text) ?? text, [coding], 16_384)).equals(text)).toBe(true);
    expect((await decode(ENCODERS[coding]?.(small) ?? small, [coding], 1)).equals(small)).toBe(true);
  });

  test("undoes raw deflate data too, which some servers send by that name", async () => {
    for (const pieceBytes of [1, 1000]) {
      expect((await decode(zlib.deflateRawSync(text), ["deflate"], pieceBytes)).equals(text)).toBe(true);
    }
    expect((await decode(zlib.deflateSync(Buffer.alloc(0)), ["deflate"], 100)).length).toBe(0);
    expect((await decode(Buffer.alloc(0), ["deflate"], 100)).length).toBe(0);
  });

  test("undoes several codings from the last to the first", async () => {
    const twice = zlib.brotliCompressSync(zlib.gzipSync(text));
    expect((await decode(twice, ["gzip", "br"], 100)).equals(text)).toBe(true);
  });

  test.each(["gzip", "deflate", "br"])(
    "of %s fails on what was cut short or is something else",
    async (coding) => {
      const encoded = ENCODERS[coding]?.(text) ?? text;
      await expect(decode(encoded.subarray(0, encoded.length - 5), [coding], 100)).rejects.toThrow();
      await expect(
        decode(Buffer.from("xyz plain text, not encoded at all"), [coding], 100),
      ).rejects.toThrow();
    },
  );

  test("of deflate ends, or fails, with bytes behind its data, and does not wait for ever", async () => {
    const behind = Buffer.concat([zlib.deflateSync(text), Buffer.from("\n")]);
    const outcome = decode(behind, ["deflate"], 1).then(
      () => "ended",
      () => "failed",
    );
    // Which of the two depends on whether the decoder has seen its end before the bytes behind it.
    expect(["ended", "failed"]).toContain(await outcome);
  });

  test("does not run ahead of its reader", async () => {
    const [decoder] = createDecoders(["deflate"]);
    if (decoder === undefined) throw new Error("no decoder");
    const bomb = zlib.deflateSync(Buffer.alloc(64 * 1024 * 1024));
    let given = 0;
    decoder.on("data", (chunk: Buffer) => {
      given += chunk.length;
      decoder.pause();
    });
    decoder.write(bomb);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(given).toBeGreaterThan(0);
    expect(given + decoder.readableLength).toBeLessThan(4 * 1024 * 1024);
    decoder.destroy();
  });
});

describe("Content-Encoding", () => {
  test.each([
    [[], []],
    [["identity"], []],
    [["gzip"], ["gzip"]],
    [["gzip,, br"], ["gzip", "br"]],
    [["compress"], undefined],
    [["gzip", "exi"], undefined],
  ])("%j is %j", (values, codings) => {
    expect(parseContentCodings(values)).toEqual(codings);
  });
});

describe("Accept-Encoding", () => {
  test.each([
    ["gzip, deflate, br", "gzip, deflate, br"],
    ["gzip;q=0.5, compress;q=1, *;q=0.1", "gzip;q=0.5"],
    ["GZIP", "GZIP"],
    ["identity;q=0, gzip", "identity;q=0, gzip"],
    ["*", "identity"],
    ["compress", "identity"],
    ["", "identity"],
  ])("%j goes out as %j", (value, sent) => {
    expect(acceptableCodings(value)).toBe(sent);
  });

  test("never names what cannot be decoded", () => {
    const names = fc.constantFrom(
      "gzip",
      "br",
      "deflate",
      "compress",
      "*",
      "exi",
      "identity",
      "pack200-gzip",
      "dcb",
    );
    fc.assert(
      fc.property(fc.array(names), (codings) => {
        const sent = acceptableCodings(codings.join(","));
        const asked = sent.split(",").map((coding) => coding.trim());
        expect(parseContentCodings(asked.slice(0, 3))).toBeDefined();
      }),
    );
  });
});

describe("what may be the beginning of encoded data", () => {
  test("is that of all such data, however much of it came, in whatever pieces", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(ENCODERS)),
        fc.uint8Array(),
        fc.nat(20),
        fc.nat(3),
        (coding, bytes, length, cut) => {
          const start = (ENCODERS[coding]?.(Buffer.from(bytes)) ?? Buffer.alloc(0)).subarray(0, length);
          expect(mayBeginEncoded(["br", coding], [start.subarray(0, cut), start.subarray(cut)])).toBe(true);
        },
      ),
    );
  });

  test.each([
    ["gzip", "{", false],
    ["gzip", "\x1f{", false],
    ["x-gzip", "\x1f\x8b{", false],
    ["gzip", "\x1f\x8b\x08{", true],
    ["zstd", "\x28\xb5\x2f\xfd{", true],
    ["zstd", "\x5f\x2a\x4d\x18{", true],
    ["zstd", "\x60\x2a\x4d\x18{", false],
    ["zstd", "\x28\xb5\x2f{", false],
    ["deflate", "{", true],
    ["br", "{", true],
  ])("of %s: %j is %s", (coding, bytes, expected) => {
    const pieces = [...Buffer.from(bytes, "latin1")].map((byte) => Buffer.of(byte));
    expect(mayBeginEncoded([coding], pieces)).toBe(expected);
    expect(mayBeginEncoded([], pieces)).toBe(true);
  });
});
