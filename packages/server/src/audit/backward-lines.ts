import type { FileHandle } from "node:fs/promises";

const LINE_FEED = 0x0a;

export interface FilePiece {
  /** Without its line feed. */
  readonly bytes: Buffer;
  /** Where it begins in the file. */
  readonly start: number;
}

/**
 * The pieces of a file between its line feeds, the last one first: what stands behind the last line feed (empty in a file
 * that ends with one), then every line. Reads block by block, and holds no more than a line and a block.
 *
 * @param end the size of the file, or where to take it to end.
 */
export async function* piecesBackward(
  handle: FileHandle,
  end: number,
  blockBytes: number,
): AsyncGenerator<FilePiece> {
  /** Blocks of the piece that is being read, last block first. */
  let later: Buffer[] = [];
  let position = end;
  while (position > 0) {
    const start = Math.max(0, position - blockBytes);
    let block = await readRange(handle, start, position - start);
    for (let feed = block.lastIndexOf(LINE_FEED); feed >= 0; feed = block.lastIndexOf(LINE_FEED)) {
      later.push(block.subarray(feed + 1));
      yield { bytes: Buffer.concat(later.reverse()), start: start + feed + 1 };
      later = [];
      block = block.subarray(0, feed);
    }
    if (block.length > 0) later.push(block);
    position = start;
  }
  yield { bytes: Buffer.concat(later.reverse()), start: 0 };
}

/** The bytes of a range, or those that are there. */
export async function readRange(handle: FileHandle, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
