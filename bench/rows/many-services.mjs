import { statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { writeAndSync } from "../harness/disk.mjs";
import { makeFilledVault } from "../harness/filled-vault.mjs";
import { CONNECTIONS, LAST_BATCH_MS, warmUp } from "../harness/load-row.mjs";
import { processorMicroseconds, residentMb } from "../harness/process-costs.mjs";
import { median, medianRatio } from "../harness/statistics.mjs";
import { takeTurns } from "../harness/turns.mjs";
import { serviceAt, startLocked } from "../harness/vault-server.mjs";
import { wrk } from "../harness/wrk.mjs";

const SIZES = [10, 10_000];

/** After an unlock services are indexed, for the search for their secrets, between calls. */
const INDEXED_MS = 3000;

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "many-services",
  title: "10,000 services, 10,000 tokens",
  packages: ["nginx", "openssl", "wrk"],
  async measure(bench) {
    const [callTurns, unlockTurns, changeTurns] = bench.isQuick ? [1, 2, 5] : [12, 5, 20];
    const { origin } = await bench.upstream();
    /** @type {{ size: number, token: string, server: Awaited<ReturnType<typeof startLocked>>, file: string }[]} */
    const vaults = [];
    for (const size of SIZES) {
      const dataDir = bench.newPath("vault");
      const content = { origin, services: size, tokens: size };
      const token = await makeFilledVault(bench.processes, dataDir, content);
      const server = await startLocked(bench.processes, dataDir);
      vaults.push({ size, token, server, file: join(dataDir, "vault.enc") });
    }
    const unlocks = await takeTurns(vaults, unlockTurns, async ({ server }, turn) => {
      if (turn > 0) await server.call("POST", "/auth/lock");
      const began = performance.now();
      await server.unlock();
      return performance.now() - began;
    });

    const load = async (/** @type {(typeof vaults)[number]} */ { size, server, token }) => {
      const before = processorMicroseconds(server.pid);
      const { requests } = await wrk(`${server.address}/proxy/api-${String(size - 1)}/v1/models`, {
        ...{ connections: CONNECTIONS, seconds: 1 },
        headers: { Authorization: `Bearer ${token}` },
      });
      await delay(LAST_BATCH_MS);
      return { requests, cost: (processorMicroseconds(server.pid) - before) / requests };
    };
    await delay(INDEXED_MS);
    for (const vault of vaults) await warmUp(bench, () => load(vault));
    const calls = await takeTurns(vaults, callTurns, async (vault) => (await load(vault)).cost);

    for (const { server } of vaults) await server.watch();
    const changes = await takeTurns(vaults, changeTurns, async ({ server, size, file }, turn) => {
      const name = `api-${String((turn * 7) % size)}`;
      const definition = serviceAt(name, origin, {
        type: "bearer",
        token: `changed-key-${String(turn)}-0123456789`,
      });
      const began = performance.now();
      await server.call("PUT", `/services/${name}`, definition);
      const ms = performance.now() - began;
      return { ms, sync: await writeAndSync(bench.newPath("synced"), statSync(file).size) };
    });
    const blocked = await Promise.all(
      vaults.map(async ({ server }) => (await server.watched()).loopDelayMaxMs),
    );

    const [few = [], many = []] = [...calls.values()];
    const [fewUnlocks = [], manyUnlocks = []] = [...unlocks.values()];
    const ofChanges = [...changes.values()].map((own) => ({
      ms: median(own.map(({ ms }) => ms)),
      above: median(own.map(({ ms, sync }) => ms - sync.ms)),
    }));
    return {
      settings: `calls: ${String(CONNECTIONS)} connections, ${String(callTurns)} turns of 1 s; ${String(unlockTurns)} unlocks and ${String(changeTurns)} changes of one service each; the key is derived within the unlock of 10 as well`,
      lines: vaults.map((vault, index) => ({
        "": `${vault.size.toLocaleString("en")} services and tokens`,
        "µs of processor time a call": median(calls.get(vault) ?? []),
        "× that with 10": medianRatio(calls.get(vault) ?? [], few),
        "unlock ms": median(unlocks.get(vault) ?? []),
        "change ms": ofChanges[index]?.ms,
        "without the sync ms": ofChanges[index]?.above,
        "loop blocked at most ms": blocked[index],
        "vault file MB": statSync(vault.file).size / 1e6,
        "resident MB": residentMb(vault.server.pid),
      })),
      targets: [
        {
          what: "processor time of a call, × that with 10",
          comparison: "at most",
          limit: 1.1,
          unit: "×",
          measured: medianRatio(many, few),
        },
        {
          what: "unlock, more than that of 10",
          comparison: "at most",
          limit: 150,
          unit: "ms",
          measured: median(manyUnlocks.map((ms, turn) => ms - (fewUnlocks[turn] ?? Number.NaN))),
        },
        {
          what: "changing one service, without the sync",
          comparison: "at most",
          limit: 60,
          unit: "ms",
          measured: ofChanges[1]?.above ?? Number.NaN,
        },
        {
          what: "event loop blocked by the changes",
          comparison: "at most",
          limit: 25,
          unit: "ms",
          measured: blocked[1] ?? Number.NaN,
        },
      ],
    };
  },
};
