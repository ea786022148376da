import type { Output, OutputStream } from "./output.js";

/** Where progress is shown, if it is. */
export interface ProgressPlace {
  readonly stderr: OutputStream;
  readonly output: Pick<Output, "json" | "quiet">;
}

export interface TransferProgress {
  /** Counts what passes. */
  follow(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined>;
  /** Clears what was shown. */
  end(): void;
}

/** A transfer that gives no account of itself: that it goes on is shown, and for how long. */
export async function whileShown<Result>(
  place: ProgressPlace,
  what: string,
  transfer: Promise<Result>,
): Promise<Result> {
  const { stderr } = place;
  if (!isShown(place)) return transfer;
  let seconds = 0;
  const timer = setInterval(() => {
    seconds += 1;
    stderr.write(`${CLEAR_LINE}${what} … ${String(seconds)} s`);
  }, SHOWN_AFTER_MS);
  try {
    return await transfer;
  } finally {
    clearInterval(timer);
    if (seconds > 0) stderr.write(CLEAR_LINE);
  }
}

/** On a terminal, unless somebody wants no more than the result. */
function isShown({ stderr, output }: ProgressPlace): boolean {
  return stderr.isTTY === true && !output.json && !output.quiet;
}

/** Milliseconds: what takes less is not worth a word, and a person reads no faster. */
const SHOWN_AFTER_MS = 1_000;
const SHOWN_EVERY_MS = 200;

const CLEAR_LINE = "\r\u001b[K";

/** Shows how far a transfer is, where a person sees it. @param what such as `Uploading` */
export function startProgress(
  place: ProgressPlace,
  what: string,
  now: () => number = () => performance.now(),
): TransferProgress {
  const { stderr } = place;
  const startedAt = now();
  let shownAt: number | undefined;
  let bytes = 0;
  const show = (): void => {
    const at = now();
    const isDue = shownAt === undefined ? at - startedAt >= SHOWN_AFTER_MS : at - shownAt >= SHOWN_EVERY_MS;
    if (!isShown(place) || !isDue) return;
    shownAt = at;
    stderr.write(`${CLEAR_LINE}${what} … ${(bytes / 1024 ** 2).toFixed(1)} MiB`);
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
