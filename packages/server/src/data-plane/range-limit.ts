/** So many guesses at the edges of partial answers, within so long, and no part is asked for. */
const MOST_GUESSES = 3;
const CLOSED_MS = 3_600_000;

/** Whether callers may ask one service for parts of what it has: not for a while once they cut secrets in pieces. */
export class RangeLimit {
  #guesses: readonly number[] = [];
  #closedUntil = -Infinity;

  /** @param now monotonic milliseconds */
  isOpen(now: number): boolean {
    return now >= this.#closedUntil;
  }

  /** Notes that a part of a secret stood at the edge of a partial answer. */
  note(now: number): void {
    this.#guesses = [...this.#guesses.filter((at) => now - at < CLOSED_MS), now];
    if (this.#guesses.length < MOST_GUESSES) return;
    this.#closedUntil = now + CLOSED_MS;
    this.#guesses = [];
  }
}
