import * as zlib from "node:zlib";
import { Transform, type TransformCallback } from "node:stream";
import { PaddedGunzip } from "./padded-gunzip.js";

/** `zlib.createZstdDecompress` came with Node 22.15. */
const createZstdDecompress = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress;

/** Content codings (RFC 9110 §8.4.1, RFC 7932, RFC 8878) that this runtime decodes, by their names on the wire. */
const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ["gzip", () => new PaddedGunzip()],
  ["x-gzip", () => new PaddedGunzip()],
  ["deflate", () => new InflateEither()],
  ["br", () => zlib.createBrotliDecompress()],
  ...(createZstdDecompress === undefined
    ? []
    : ([["zstd", () => createZstdDecompress()]] as [string, () => Transform][])),
]);

/** More codings on top of each other than this are somebody's trick. */
const MAX_CODINGS = 3;

/**
 * The codings of a `Content-Encoding`, in the order in which they were applied; `identity` is none.
 *
 * @param values of all fields of that name
 * @returns undefined if there is one among them that cannot be decoded here
 */
export function parseContentCodings(values: readonly string[]): readonly string[] | undefined {
  const codings = values
    .flatMap((value) => value.split(","))
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity");
  return codings.length <= MAX_CODINGS && codings.every((coding) => DECODERS.has(coding))
    ? codings
    : undefined;
}

/** Streams that undo the codings, the first to be written to. */
export function createDecoders(codings: readonly string[]): Transform[] {
  return codings.toReversed().flatMap((coding) => DECODERS.get(coding)?.() ?? []);
}

/** How data in a coding begins: RFC 1952 §2.3.1; RFC 8878 §3.1.1 and, for frames to skip, §3.1.2. Others show no mark. */
const BEGINNINGS: ReadonlyMap<string, readonly (readonly number[])[]> = new Map([
  ["gzip", [[0x1f, 0x8b, 0x08]]],
  ["x-gzip", [[0x1f, 0x8b, 0x08]]],
  [
    "zstd",
    [
      [0x28, 0xb5, 0x2f, 0xfd],
      ...Array.from({ length: 16 }, (_, variant) => [0x50 + variant, 0x2a, 0x4d, 0x18]),
    ],
  ],
]);

/**
 * Whether `pieces` may be the beginning of data in these codings. Decoding takes a while before it finds an error; this
 * tells at once of a text that was never encoded.
 */
export function mayBeginEncoded(codings: readonly string[], pieces: readonly Buffer[]): boolean {
  const beginnings = BEGINNINGS.get(codings.at(-1) ?? "");
  if (beginnings === undefined) return true;
  const start = Buffer.concat(pieces.map((piece) => piece.subarray(0, 4))).subarray(0, 4);
  return beginnings.some((marks) => start.every((byte, index) => byte === (marks[index] ?? byte)));
}

/**
 * An `Accept-Encoding` (RFC 9110 §12.5.3) cut to what can be decoded here. `*` goes too: it would let the upstream
 * take any.
 */
export function acceptableCodings(value: string): string {
  const kept = value.split(",").filter((part) => {
    const coding = (part.split(";", 1)[0] ?? "").trim().toLowerCase();
    return coding === "identity" || DECODERS.has(coding);
  });
  return kept.length === 0 ? "identity" : kept.map((part) => part.trim()).join(", ");
}

/**
 * `deflate` is the zlib format (RFC 9110 §8.4.1.2), but some servers send raw deflate data: the first byte tells
 * (RFC 1950 §2.2, compression method 8).
 */
class InflateEither extends Transform {
  #inflate: zlib.Inflate | zlib.InflateRaw | undefined;
  #hasEnded = false;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    if (chunk.length === 0) {
      callback();
      return;
    }
    if (this.#hasEnded) {
      callback(new Error("bytes behind the deflate data"));
      return;
    }
    this.#inflate ??= this.#begin((chunk[0] ?? 0) & 0x0f);
    if (this.#inflate.write(chunk)) callback();
    else this.#inflate.once("drain", callback);
  }

  override _flush(callback: TransformCallback): void {
    if (this.#inflate === undefined || this.#hasEnded) {
      callback();
      return;
    }
    this.#inflate.once("end", callback).end();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#inflate?.destroy();
    callback(error);
  }

  override _read(size: number): void {
    this.#inflate?.resume();
    super._read(size);
  }

  #begin(method: number): zlib.Inflate | zlib.InflateRaw {
    const inflate = method === 8 ? zlib.createInflate() : zlib.createInflateRaw();
    inflate.on("data", (decoded: Buffer) => {
      if (!this.push(decoded)) inflate.pause();
    });
    inflate.on("error", (error) => this.destroy(error));
    inflate.on("end", () => (this.#hasEnded = true));
    return inflate;
  }
}
