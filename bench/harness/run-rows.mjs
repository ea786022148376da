/**
 * One row after another. A row that fails is told, and the others run all the same.
 *
 * @param {import("./bench.mjs").Bench} bench
 * @param {readonly import("./row.mjs").Row[]} rows
 * @returns {Promise<import("./row.mjs").RowResult[]>}
 */
export async function runRows(bench, rows) {
  /** @type {import("./row.mjs").RowResult[]} */
  const results = [];
  for (const [index, row] of rows.entries()) {
    const { name, title } = row;
    bench.say(`${String(index + 1)}/${String(rows.length)} ${name}`);
    const began = performance.now();
    const outcome = await row.measure(bench).then(
      (measured) => ({ measured }),
      (thrown) => ({ failure: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) }),
    );
    await bench.endRow();
    const seconds = Math.round(performance.now() - began) / 1000;
    if ("failure" in outcome) bench.say(`${name} failed: ${outcome.failure}`);
    results.push({ row: { name, title }, seconds, ...outcome });
  }
  return results;
}
