import { execFile } from "node:child_process";
import { promisify } from "node:util";
import {
  libpqEnvironment,
  openSession,
  postgresService,
  startPostgres,
} from "../harness/database-servers.mjs";
import { median } from "../harness/statistics.mjs";
import { takeTurns } from "../harness/turns.mjs";
import { startVault } from "../harness/vault-server.mjs";

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "session-opening",
  title: "session opening: `POST …/session` to first row, psql",
  packages: ["postgresql", "postgresql-client"],
  async measure(bench) {
    const turns = bench.isQuick ? 5 : 25;
    const vault = await startVault(bench.processes, bench.newPath("vault"));
    const postgres = await startPostgres(bench);
    await vault.call("POST", "/services", postgresService(postgres));
    const firstRow = async (/** @type {number} */ port) => {
      await promisify(execFile)("psql", ["-Atc", "select 1"], { env: libpqEnvironment(port) });
    };
    const samples = await takeTurns(
      [
        { name: "direct", run: () => firstRow(postgres) },
        { name: "session", run: async () => firstRow(await openSession(vault, "/postgres/pg", 1)) },
      ],
      turns,
      async ({ run }) => {
        const began = performance.now();
        await run();
        return performance.now() - began;
      },
    );
    const [direct = [], session = []] = samples.values();
    const added = median(session.map((ms, turn) => ms - (direct[turn] ?? Number.NaN)));
    return {
      settings: `from nothing to the end of psql with one row, ${String(turns)} turns`,
      lines: [...samples].map(([{ name }, own]) => ({
        "": name,
        ms: median(own),
        "least ms": Math.min(...own),
      })),
      targets: [{ what: "more than direct", comparison: "at most", limit: 15, unit: "ms", measured: added }],
    };
  },
};
