import { createGunzip, type Gunzip } from "node:zlib";
import { Transform, type TransformCallback } from "node:stream";

/** Zeros behind gzip data, as block-wise writers leave them. */
const MAX_PADDING_BYTES = 64 * 1024;

/**
 * Undoes gzip (RFC 1952). Zeros behind the data are dropped, in whatever pieces they come; any other byte there is an
 * error, where zlib alone would drop all that follows a first zero.
 */
export class PaddedGunzip extends Transform {
  readonly #gunzip: Gunzip = createGunzip();
  #given = 0;
  #padding = 0;
  #hasEnded = false;

  constructor() {
    super();
    this.#gunzip
      .on("data", (decoded: Buffer) => {
        if (!this.push(decoded)) this.#gunzip.pause();
      })
      .on("error", (error) => this.destroy(error))
      .on("end", () => (this.#hasEnded = true));
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    if (this.#padding > 0) {
      callback(this.#faultBehind(chunk));
      return;
    }
    this.#given += chunk.length;
    this.#gunzip.write(chunk, (error) => {
      if (error) return;
      const unused = this.#given - this.#gunzip.bytesWritten;
      callback(unused === 0 ? null : this.#faultBehind(chunk.subarray(chunk.length - unused)));
    });
  }

  override _flush(callback: TransformCallback): void {
    if (this.#hasEnded) callback();
    else this.#gunzip.once("end", callback).end();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#gunzip.destroy();
    callback(error);
  }

  override _read(size: number): void {
    this.#gunzip.resume();
    super._read(size);
  }

  #faultBehind(bytes: Buffer): Error | null {
    this.#padding += bytes.length;
    const isPadding = this.#padding <= MAX_PADDING_BYTES && bytes.every((byte) => byte === 0);
    return isPadding ? null : new Error("bytes behind the gzip data");
  }
}
