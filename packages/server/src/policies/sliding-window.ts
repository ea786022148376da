const FIRST_CAPACITY = 16;

/** When events were, at the latest, and how many. */
export type PastEvents = readonly (readonly [time: number, count: number])[];

/**
 * Counts events exactly: of all spans of the window's length, none ever holds more than the limit. A span holds its
 * first instant and not its last. Only the times of events inside the window are kept.
 */
export class SlidingWindow {
  readonly #windowMs: number;
  #limit: number;
  /** A ring of the times of the latest events, the oldest at `#start`. */
  #times = new Float64Array(FIRST_CAPACITY);
  #start = 0;
  #count = 0;
  /** Added to the clock so that a clock that is set back never makes an old event look like one to come. */
  #clockOffset = 0;

  /** @param past the oldest first; events beyond the limit too */
  constructor(limit: number, windowMs: number, past: PastEvents = []) {
    this.#limit = limit;
    this.#windowMs = windowMs;
    for (const [time, count] of past) for (let index = 0; index < count; index += 1) this.#push(time);
  }

  /** What was counted stays counted. */
  setLimit(limit: number): void {
    this.#limit = limit;
  }

  /** How many more events there may be now. */
  remaining(now: number): number {
    this.#forget(this.#adjusted(now));
    return Math.max(0, this.#limit - this.#count);
  }

  /** Milliseconds until there is room for one more than now; 0 if the window is empty. */
  untilMoreRoom(now: number): number {
    const time = this.#adjusted(now);
    this.#forget(time);
    if (this.#count === 0) return 0;
    return this.#at(Math.max(0, this.#count - this.#limit)) + this.#windowMs - time;
  }

  /** @throws RangeError if there is no room, which `remaining` tells */
  add(now: number): void {
    const time = this.#adjusted(now);
    this.#forget(time);
    if (this.#count >= this.#limit) throw new RangeError("the sliding window is full");
    this.#push(time);
  }

  /** The events for a window to come, in few words: those of a span as if they had been at its end. */
  past(spanMs: number): PastEvents {
    const counts = new Map<number, number>();
    // An event to come would set forward the clock of the window that goes on with these.
    const newest = this.#count === 0 ? 0 : this.#at(this.#count - 1) - this.#clockOffset;
    for (let index = 0; index < this.#count; index += 1) {
      const spanEnd = Math.ceil((this.#at(index) - this.#clockOffset) / spanMs) * spanMs;
      const end = Math.min(spanEnd, newest);
      counts.set(end, (counts.get(end) ?? 0) + 1);
    }
    return [...counts];
  }

  #push(time: number): void {
    if (this.#count === this.#times.length) this.#grow();
    this.#times[(this.#start + this.#count) % this.#times.length] = time;
    this.#count += 1;
  }

  #adjusted(now: number): number {
    const newest = this.#count === 0 ? -Infinity : this.#at(this.#count - 1);
    if (now + this.#clockOffset < newest) this.#clockOffset = newest - now;
    return now + this.#clockOffset;
  }

  #forget(time: number): void {
    while (this.#count > 0 && time - this.#at(0) >= this.#windowMs) {
      this.#start = (this.#start + 1) % this.#times.length;
      this.#count -= 1;
    }
  }

  #at(index: number): number {
    return this.#times[(this.#start + index) % this.#times.length] ?? 0;
  }

  #grow(): void {
    const larger = new Float64Array(this.#times.length * 2);
    for (let index = 0; index < this.#count; index += 1) larger[index] = this.#at(index);
    this.#times = larger;
    this.#start = 0;
  }
}
