import { cellsOf, headingsOf, markdownTable, targetCells } from "./table.mjs";

/** What stands behind it in `RESULTS.md` is written by hand. */
const BY_HAND = "<!-- by hand from here on: `pnpm bench` leaves it as it is -->";

/**
 * The text of `RESULTS.md`, formatted as the check of the sources wants it.
 *
 * @param {import("./machine.mjs").Machine} machine
 * @param {readonly import("./row.mjs").RowResult[]} results
 * @param {string} former text of that file, of which what was written by hand is kept
 * @returns {Promise<string>}
 */
export async function resultsPage(machine, results, former) {
  const byHand = former.indexOf(BY_HAND);
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
  const text = [
    "# Measured",
    `By \`pnpm bench\` in ${String(Math.ceil(seconds / 60))} min on ${String(machine.cores)} cores and ${String(machine.memoryGb)} GB, ${machine.date}, ${versions.join(", ")}; the load average was ${String(machine.load)} before. Absolute figures mean little on a shared machine: what counts are ratios, which are medians of those within a turn, and processor time. What the figures are, and how they are measured, is in [README.md](README.md); what was found and done, below the tables.`,
    markdownTable(["work", "what", "target", "measured", "reached"], targetCells(results)),
    ...results.flatMap((result) => [
      `## ${result.row.title}`,
      "failure" in result
        ? "It failed."
        : `\`pnpm bench ${result.row.name}\`: ${result.measured.settings}.\n\n${markdownTable(headingsOf(result.measured.lines), cellsOf(result.measured.lines))}`,
    ]),
    ...(byHand < 0 ? [] : [former.slice(byHand)]),
  ].join("\n\n");
  const { format } = await import("prettier");
  return format(text, { parser: "markdown" });
}
