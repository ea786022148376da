import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { childrenMicroseconds } from "../harness/process-costs.mjs";
import { median, medianRatio } from "../harness/statistics.mjs";
import { takeTurns } from "../harness/turns.mjs";
import { startLocked, startVault } from "../harness/vault-server.mjs";

const CLI = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "start-up",
  title: "start of vault-server to listening; `vault-cli health`",
  packages: [],
  async measure(bench) {
    const turns = bench.isQuick ? 3 : 15;
    const vault = await startVault(bench.processes, bench.newPath("vault"));
    const dataDir = bench.newPath("vault");
    const env = { PATH: process.env["PATH"], VAULT_ADDR: vault.address };
    const node = (/** @type {string[]} */ ...args) => promisify(execFile)(process.execPath, args, { env });
    const samples = await takeTurns(
      [
        { name: "an empty node process", run: () => node("-e", "0") },
        { name: "vault-cli health", run: () => node(CLI, "health") },
        {
          name: "vault-server, to listening",
          run: async () => {
            const server = await startLocked(bench.processes, dataDir, { isBare: true });
            return { after: server.stop };
          },
        },
      ],
      turns,
      async ({ run }) => {
        const spent = childrenMicroseconds();
        const began = performance.now();
        const done = await run();
        const ms = performance.now() - began;
        if ("after" in done) await done.after();
        return { ms, processorMs: (childrenMicroseconds() - spent) / 1000 };
      },
    );
    const wall = [...samples.values()].map((own) => own.map(({ ms }) => ms));
    const [empty = [], health = [], server = []] = wall;
    const processorMs = (/** @type {{ processorMs: number }[]} */ own) =>
      own.reduce((sum, each) => sum + each.processorMs, 0) / own.length;
    const ofEmpty = processorMs([...samples.values()][0] ?? []);
    return {
      settings: `${String(turns)} turns; the processor time of the server includes its stop`,
      lines: [...samples].map(([{ name }, own], index) => ({
        "": name,
        ms: median(wall[index] ?? []),
        "× empty": medianRatio(wall[index] ?? [], empty),
        "least ms": Math.min(...(wall[index] ?? [])),
        "processor ms": processorMs(own),
        "× its processor time": processorMs(own) / ofEmpty,
      })),
      targets: [
        {
          what: "vault-server to listening",
          comparison: "at most",
          limit: 350,
          unit: "ms",
          measured: median(server),
        },
        {
          what: "`vault-cli health`, × an empty node process",
          comparison: "at most",
          limit: 2.5,
          unit: "×",
          measured: medianRatio(health, empty),
        },
      ],
    };
  },
};
