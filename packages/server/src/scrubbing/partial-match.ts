import { SHORTEST_GUESS } from "./scrubbing-limits.js";

/**
 * A part of a secret that an answer held, and no more of it. Whoever can have text of its own sent back may have sent a
 * guess, and sees by what was overwritten, or came later than the rest, that it was right so far.
 */
export interface PartialMatch {
  /** At an edge of a partial answer, overwritten; or before a piece's end, held back until it was none. */
  readonly at: "start" | "end" | "inside";
  /** Bytes of a form of the secret, less those that are known to everybody: {@link SHORTEST_GUESS} or more. */
  readonly length: number;
}

/** Tells which of the bytes that a stream held back were such a part in the end. Positions are those of the stream. */
export class PartialMatchWatch {
  #withheld: { readonly start: number; readonly length: number } | undefined;
  #longest: PartialMatch | undefined;

  /** At the end of each piece: the bytes from `start` on wait, of which so many count; 0 if none do. */
  withhold(start: number, length: number): void {
    if (this.#withheld !== undefined && start > this.#withheld.start) this.cutOff();
    if (length >= SHORTEST_GUESS) this.#withheld = { start, length };
  }

  /** These bytes were overwritten as a whole. */
  complete(from: number, to: number): void {
    const { start } = this.#withheld ?? { start: -1 };
    if (from <= start && start < to) this.#withheld = undefined;
  }

  /** What waits will never be complete. */
  cutOff(): void {
    if (this.#withheld !== undefined) this.note("inside", this.#withheld.length);
    this.#withheld = undefined;
  }

  note(at: PartialMatch["at"], length: number): void {
    if (length >= SHORTEST_GUESS && length > (this.#longest?.length ?? 0)) this.#longest = { at, length };
  }

  /** The longest one since this was asked last. */
  take(): PartialMatch | undefined {
    const longest = this.#longest;
    this.#longest = undefined;
    return longest;
  }
}
