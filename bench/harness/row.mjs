/**
 * A row of the table: one kind of work, and what is wanted of it.
 *
 * @typedef {object} Row
 * @property {string} name What it is called on the command line; its file has the same name.
 * @property {string} title
 * @property {readonly string[]} packages Debian packages that it calls, as in `scripts/system-packages.mjs`.
 * @property {boolean} [isExtra] Runs only where it is named.
 * @property {(bench: import("./bench.mjs").Bench) => Promise<Measured>} measure
 *
 * @typedef {object} Measured What a row brings.
 * @property {string} settings How it was measured: turns, seconds, connections.
 * @property {readonly Line[]} lines
 * @property {readonly Target[]} targets
 *
 * @typedef {Record<string, string | number | undefined>} Line Figures under their headings; the first names the line.
 *
 * @typedef {"at most" | "at least" | "exactly"} Comparison
 *
 * @typedef {object} Target
 * @property {string} what
 * @property {Comparison} comparison
 * @property {number} limit
 * @property {number} [then] The limit after this one.
 * @property {string} unit
 * @property {number} measured
 *
 * @typedef {{ row: Pick<Row, "name" | "title">, seconds: number } & ({ measured: Measured } | { failure: string })} RowResult
 */

/**
 * @param {Target} target
 * @returns {boolean} False for what could not be measured (NaN), too.
 */
export function isReached({ comparison, limit, measured }) {
  if (comparison === "exactly") return measured === limit;
  return comparison === "at most" ? measured <= limit : measured >= limit;
}
