import type { OutputStream } from "./output.js";

export interface TransferProgress {
  /** Counts what passes. */
  follow(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined>;
  /** Clears what was shown. */
  end(): void;
}

/** Milliseconds: what takes less is not worth a word, and a person reads no faster. */
const SHOWN_AFTER_MS = 1_000;
const SHOWN_EVERY_MS = 200;

const CLEAR_LINE = "\r\u001b[K";

/** Shows how far a transfer is, where a person sees it. @param what such as `Uploading` */
export function startProgress(
  stderr: OutputStream,
  what: string,
  now: () => number = () => performance.now(),
): TransferProgress {
  const startedAt = now();
  let shownAt: number | undefined;
  let bytes = 0;
  const show = (): void => {
    const at = now();
    const isDue = shownAt === undefined ? at - startedAt >= SHOWN_AFTER_MS : at - shownAt >= SHOWN_EVERY_MS;
    if (stderr.isTTY !== true || !isDue) return;
    shownAt = at;
    stderr.write(`${CLEAR_LINE}${what} … ${(bytes / 1_000_000).toFixed(1)} MB`);
  };
  return {
    async *follow(chunks) {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        show();
        yield chunk;
      }
    },
    end() {
      if (shownAt !== undefined) stderr.write(CLEAR_LINE);
      shownAt = undefined;
    },
  };
}
