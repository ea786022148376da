/** A line of a histogram, as Prometheus has it: the buckets are cumulative. */
export interface HistogramLine {
  readonly suffix: "_bucket" | "_sum" | "_count";
  /** Upper bound of a bucket in seconds, or `+Inf`. */
  readonly le?: string;
  readonly value: number;
}

/** Counts durations in an array, without the hashing of labels that a library does at each observation. */
export class PlainHistogram {
  readonly #bounds: readonly number[];
  /** One more than there are bounds: what is above the last. */
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds upper bounds in seconds, rising */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(seconds: number): void {
    // A clock that stepped back must not make the sum fall.
    const value = seconds > 0 ? seconds : 0;
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] ?? Infinity)) index += 1;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += value;
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  lines(): HistogramLine[] {
    let below = 0;
    const buckets = [...this.#bounds, "+Inf"].map((bound, index): HistogramLine => {
      below += this.#counts[index] ?? 0;
      return { suffix: "_bucket", le: String(bound), value: below };
    });
    return [...buckets, { suffix: "_sum", value: this.#sum }, { suffix: "_count", value: below }];
  }
}
