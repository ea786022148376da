import { setTimeout as delay } from "node:timers/promises";
import { peakMb, residentMb } from "../harness/process-costs.mjs";
import { serviceAt, startVault } from "../harness/vault-server.mjs";

const SERVICES = 10;

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "idle-memory",
  title: "idle memory, unlocked, 10 services",
  packages: [],
  async measure(bench) {
    const vault = await startVault(bench.processes, bench.newPath("vault"), { isBare: true });
    for (let index = 0; index < SERVICES; index += 1) {
      await vault.call("POST", "/services", serviceAt(`api-${String(index)}`, "http://127.0.0.1:9"));
    }
    const idleMs = bench.isQuick ? 1000 : 5000;
    await delay(idleMs);
    const resident = residentMb(vault.pid);
    return {
      settings: `${String(idleMs / 1000)} s after the last service was made`,
      lines: [
        {
          "": "vault-server",
          "resident MB": resident,
          "at most since the start MB": peakMb(vault.pid),
        },
      ],
      targets: [
        { what: "resident memory", comparison: "at most", limit: 90, unit: "MB", measured: resident },
      ],
    };
  },
};
