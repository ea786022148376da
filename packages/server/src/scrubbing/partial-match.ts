import { LONGEST_PATTERN, SHORTEST_GUESS } from "./scrubbing-limits.js";

/**
 * A part of a secret that an answer held, and no more of it. Whoever can have text of its own sent back may have sent a
 * guess, and sees by what was overwritten, or came later than the rest, that it was right so far.
 */
export interface PartialMatch {
  /** At an edge of a partial answer, overwritten; or before a piece's end, held back until it was none. */
  readonly at: "start" | "end" | "inside";
  /** Bytes of a form of the secret, without what is known of it to everybody: {@link SHORTEST_GUESS} or more. */
  readonly length: number;
}

interface Run {
  readonly from: number;
  readonly to: number;
}

/** Tells which of the bytes that a stream held back were such a part in the end. Positions are those of the stream. */
export class PartialMatchWatch {
  /** What waits, without what is known of it to everybody. */
  #withheld: Run | undefined;
  /** What was overwritten, as far back as something can have waited. In order, none touches another. */
  #whole: Run[] = [];
  #longest: PartialMatch | undefined;

  /** At the end of each piece: the bytes from `start` to `end` wait, if there are any, the first of which are public. */
  withhold(start: number, end: number, publicBytes: number): void {
    // Where a shorter beginning still waits, only what is before it is known to be none.
    this.#release(start);
    this.#whole = this.#whole.filter(({ to }) => to > end - LONGEST_PATTERN);
    this.#withheld = start < end ? { from: start + publicBytes, to: end } : undefined;
  }

  /** What waits will never be complete. */
  cutOff(): void {
    this.#release(Infinity);
    this.#withheld = undefined;
  }

  /** These bytes were overwritten, as a whole secret or as a part that was told of. */
  complete(from: number, to: number): void {
    let run: Run = { from, to };
    for (
      let last = this.#whole.at(-1);
      last !== undefined && last.to >= run.from;
      last = this.#whole.at(-1)
    ) {
      run = { from: Math.min(run.from, last.from), to: Math.max(run.to, last.to) };
      this.#whole.pop();
    }
    this.#whole.push(run);
  }

  /** A part from `from` to `to` is overwritten at an edge, the first bytes of which are public. */
  edge(at: "start" | "end", from: number, to: number, publicBytes: number): void {
    this.#note(at, this.#bytesOfNoWhole(from + publicBytes, to));
    this.complete(from, to);
  }

  /** The longest one since this was asked last. */
  take(): PartialMatch | undefined {
    const longest = this.#longest;
    this.#longest = undefined;
    return longest;
  }

  #release(until: number): void {
    if (this.#withheld === undefined) return;
    const { from, to } = this.#withheld;
    this.#note("inside", this.#bytesOfNoWhole(from, Math.min(to, until)));
  }

  #bytesOfNoWhole(from: number, to: number): number {
    let bytes = Math.max(0, to - from);
    for (const whole of this.#whole) {
      bytes -= Math.max(0, Math.min(to, whole.to) - Math.max(from, whole.from));
    }
    return bytes;
  }

  #note(at: PartialMatch["at"], length: number): void {
    if (length >= SHORTEST_GUESS && length > (this.#longest?.length ?? 0)) this.#longest = { at, length };
  }
}
