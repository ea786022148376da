/** Pure figures of samples. */

/**
 * @param {readonly number[]} values At least one.
 * @param {number} share From 0 to 1: 0.5 is the median. Of two in the middle, the larger.
 */
export function quantile(values, share) {
  const sorted = values.toSorted((one, other) => one - other);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (value === undefined) throw new RangeError("no samples");
  return value;
}

/** @param {readonly number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}

/**
 * The median of the ratios within a turn: what slows a whole turn down, slows both sides of its ratio.
 *
 * @param {readonly number[]} values
 * @param {readonly number[]} others Of the same turns.
 */
export function medianRatio(values, others) {
  if (values.length !== others.length) throw new RangeError("samples of different turns");
  return median(values.map((value, turn) => value / (others[turn] ?? Number.NaN)));
}
