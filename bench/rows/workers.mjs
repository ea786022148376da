import { setTimeout as delay } from "node:timers/promises";
import { CONNECTIONS, LAST_BATCH_MS, warmUp } from "../harness/load-row.mjs";
import { processorMicroseconds, residentMb } from "../harness/process-costs.mjs";
import { median, medianRatio } from "../harness/statistics.mjs";
import { takeTurns } from "../harness/turns.mjs";
import { serviceAt, startVault } from "../harness/vault-server.mjs";
import { wrk } from "../harness/wrk.mjs";

const VARIANTS = [
  { title: "one process", flags: [] },
  { title: "--workers 2", flags: ["--workers", "2"] },
];

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "workers",
  title: "small JSON GET with worker processes",
  packages: ["nginx", "openssl", "wrk"],
  async measure(bench) {
    const [turns, seconds] = bench.isQuick ? [1, 1] : [5, 2];
    const { origin } = await bench.upstream();
    /** @type {((typeof VARIANTS)[number] & { vault: import("../harness/vault-server.mjs").VaultServer, token: string })[]} */
    const servers = [];
    for (const variant of VARIANTS) {
      // The probe is for one process, and workers load what their owner does.
      const options = { flags: variant.flags, isBare: true };
      const vault = await startVault(bench.processes, bench.newPath("vault"), options);
      await vault.call("POST", "/services", serviceAt("api", origin));
      servers.push({ ...variant, vault, token: await vault.makeToken() });
    }
    /** @type {(server: (typeof servers)[number], seconds: number) => Promise<import("../harness/wrk.mjs").Loaded>} */
    const load = ({ vault, token }, duration) =>
      wrk(`${vault.address}/proxy/api/v1/models`, {
        ...{ connections: CONNECTIONS, seconds: duration },
        headers: { Authorization: `Bearer ${token}` },
      });
    for (const server of servers) await warmUp(bench, () => load(server, 1));
    const samples = await takeTurns(servers, turns, async (server) => {
      const before = processorMicroseconds(server.vault.pid);
      const { requests, perSecond, p99Ms } = await load(server, seconds);
      await delay(LAST_BATCH_MS);
      return { perSecond, p99Ms, cost: (processorMicroseconds(server.vault.pid) - before) / requests };
    });
    const rates = [...samples.values()].map((own) => own.map(({ perSecond }) => perSecond));
    return {
      settings: `${String(CONNECTIONS)} connections, ${String(turns)} turns of ${String(seconds)} s; load and upstream share the cores with the server`,
      lines: [...samples].map(([{ title, vault }, own], index) => ({
        "": title,
        "calls a second": Math.round(median(rates[index] ?? [])),
        "× one process": medianRatio(rates[index] ?? [], rates[0] ?? []),
        "µs of processor time a call, all processes": median(own.map(({ cost }) => cost)),
        "p99 ms": median(own.map(({ p99Ms }) => p99Ms)),
        "resident MB": Math.round(residentMb(vault.pid)),
      })),
      targets: [],
    };
  },
};
