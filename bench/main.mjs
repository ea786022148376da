/** `pnpm bench`: measures what `rows/` has, prints it, and writes `RESULTS.md` after a full run of all. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runScript } from "../scripts/run-process.mjs";
import { ensureSystemPackages } from "../scripts/system-packages.mjs";
import { ensureBuilt, say } from "../scripts/workspace.mjs";
import { createBench } from "./harness/bench.mjs";
import { parseCommandLine, USAGE } from "./harness/command-line.mjs";
import { describeMachine } from "./harness/machine.mjs";
import { parsePeers } from "./harness/peer.mjs";
import { resultsPage } from "./harness/results-page.mjs";
import { runRows } from "./harness/run-rows.mjs";
import { linesTable, targetsTable } from "./harness/table.mjs";
import { ROWS } from "./rows.mjs";

const RESULTS = fileURLToPath(new URL("RESULTS.md", import.meta.url));

await runScript(async () => {
  const asked = parseCommandLine(
    process.argv.slice(2),
    ROWS.map(({ name }) => name),
  );
  if (asked.kind === "help") return print(USAGE);
  if (asked.kind === "list") {
    const width = Math.max(...ROWS.map(({ name }) => name.length));
    for (const { name, title, isExtra } of ROWS)
      print(`${name.padEnd(width)}  ${title}${isExtra === true ? " (only if it is named)" : ""}\n`);
    return 0;
  }
  const { isQuick, json, rows: names } = asked.choice;
  const rows = ROWS.filter(({ name, isExtra }) =>
    names.length === 0 ? isExtra !== true : names.includes(name),
  );
  const peers = parsePeers(process.env["VAULT_BENCH_PEER"] ?? "");
  await ensureBuilt();
  await ensureSystemPackages([...new Set(rows.flatMap(({ packages }) => packages))]);

  const machine = await describeMachine();
  const bench = await createBench({ isQuick, peers, say });
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.once(signal, () => void bench.end().finally(() => process.exit(1)));
  }
  process.on("exit", () => bench.kill());
  const results = await runRows(bench, rows).finally(() => bench.end());

  for (const result of results)
    print(`\n${result.row.name}: ${result.row.title}\n${await linesTable(result)}\n`);
  if (results.some((result) => "failure" in result || result.measured.targets.length > 0))
    print(`\n${await targetsTable(results)}\n`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ machine, isQuick, results }, null, 2)}\n`);
  const failed = results.filter((result) => "failure" in result);
  if (names.length === 0 && !isQuick && failed.length === 0) {
    writeFileSync(RESULTS, await resultsPage(machine, results, readFileSync(RESULTS, "utf8")));
    say(`written: ${RESULTS}`);
  }
  return failed.length === 0 ? 0 : 1;
});

/**
 * @param {string} text
 * @returns {number} The exit status of a command that has said what it was asked for.
 */
function print(text) {
  process.stdout.write(text);
  return 0;
}
