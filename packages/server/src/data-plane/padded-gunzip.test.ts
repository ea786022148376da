import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PaddedGunzip } from "./padded-gunzip.js";

/** Undoes gzip on bytes that come in pieces cut at `cuts`. */
async function gunzip(bytes: Buffer, cuts: readonly number[] = []): Promise<Buffer> {
  const marks = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
  const pieces = marks.slice(1).map((mark, index) => bytes.subarray(marks[index], mark));
  const decoded: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      decoded.push(chunk);
      setImmediate(callback);
    },
  });
  await pipeline(Readable.from(pieces.filter((piece) => piece.length > 0)), new PaddedGunzip(), sink);
  return Buffer.concat(decoded);
}

const cuts = fc.array(fc.nat(200), { maxLength: 6 });
const contents = fc.uint8Array({ maxLength: 100 });

describe("gzip data", () => {
  test("is undone with any number of zeros behind it, in whatever pieces they come", async () => {
    await fc.assert(
      fc.asyncProperty(contents, fc.nat(100), cuts, async (content, padding, where) => {
        const bytes = Buffer.concat([gzipSync(content), Buffer.alloc(padding)]);
        expect((await gunzip(bytes, where)).equals(content)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("may be several members in a row", async () => {
    await fc.assert(
      fc.asyncProperty(contents, contents, fc.nat(20), cuts, async (one, two, padding, where) => {
        const bytes = Buffer.concat([gzipSync(one), gzipSync(two), Buffer.alloc(padding)]);
        expect((await gunzip(bytes, where)).equals(Buffer.concat([one, two]))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("with anything else behind the zeros is an error, in whatever pieces it comes", async () => {
    const others = fc.uint8Array({ minLength: 1, maxLength: 40 }).filter((bytes) => bytes.some(Boolean));
    await fc.assert(
      fc.asyncProperty(
        contents,
        fc.integer({ min: 1, max: 20 }),
        others,
        cuts,
        async (content, padding, other, where) => {
          const bytes = Buffer.concat([gzipSync(content), Buffer.alloc(padding), other]);
          await expect(gunzip(bytes, where)).rejects.toThrow("bytes behind the gzip data");
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    ["garbage behind it", Buffer.concat([gzipSync("hello"), Buffer.from("garbage")])],
    ["a line end behind it", Buffer.concat([gzipSync("hello"), Buffer.from("\n")])],
    ["its end cut off", gzipSync("hello").subarray(0, 20)],
    ["more zeros behind it than padding has", Buffer.concat([gzipSync("hello"), Buffer.alloc(65 * 1024)])],
  ])("with %s is an error", async (_what, bytes) => {
    await expect(gunzip(bytes)).rejects.toThrow();
    await expect(gunzip(bytes, [10, 25, 26])).rejects.toThrow();
  });

  test("of a large text is undone at the pace of its reader", async () => {
    const decoder = new PaddedGunzip();
    let given = 0;
    decoder.on("data", (chunk: Buffer) => {
      given += chunk.length;
      decoder.pause();
    });
    decoder.write(gzipSync(Buffer.alloc(64 * 1024 * 1024)));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(given).toBeGreaterThan(0);
    expect(given + decoder.readableLength).toBeLessThan(4 * 1024 * 1024);
    decoder.destroy();
  });
});
