import { createCipheriv, randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { writeAndSync } from "../harness/disk.mjs";
import { makeFilledVault } from "../harness/filled-vault.mjs";
import { processorMicroseconds } from "../harness/process-costs.mjs";
import { median } from "../harness/statistics.mjs";
import { takeTurns } from "../harness/turns.mjs";
import { serviceAt, startLocked } from "../harness/vault-server.mjs";

const FILES = 10;
const FILE_BYTES = 5_000_000;
const ORIGIN = "http://127.0.0.1:9";

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "stored-files",
  title: "vault with 50 MB of stored files, changing one service",
  packages: [],
  async measure(bench) {
    const turns = bench.isQuick ? 3 : 20;
    const vaults = [];
    for (const files of [0, FILES]) {
      const dataDir = bench.newPath("vault");
      const content = { origin: ORIGIN, files: Array.from({ length: files }, () => randomBytes(FILE_BYTES)) };
      await makeFilledVault(bench.processes, dataDir, content);
      const server = await startLocked(bench.processes, dataDir);
      await server.unlock();
      vaults.push({
        title: files === 0 ? "no files" : "50 MB of files",
        server,
        file: join(dataDir, "vault.enc"),
      });
    }
    const samples = await takeTurns(vaults, turns, async ({ server, file }, turn) => {
      const definition = serviceAt("api-0", ORIGIN, {
        type: "bearer",
        token: `changed-key-${String(turn)}-0123456789`,
      });
      const spent = processorMicroseconds(server.pid);
      const began = performance.now();
      await server.call("PUT", "/services/api-0", definition);
      const ms = performance.now() - began;
      const processorMs = (processorMicroseconds(server.pid) - spent) / 1000;
      return { ms, processorMs, sync: await writeAndSync(bench.newPath("synced"), statSync(file).size) };
    });
    const figures = [...samples.values()].map((own) => ({
      ms: median(own.map(({ ms }) => ms)),
      sync: median(own.map(({ sync }) => sync.ms)),
      above: median(own.map(({ ms, sync }) => ms - sync.ms)),
      writingMs: own.reduce((sum, { sync }) => sum + sync.processorMs, 0) / own.length,
      processorMs: own.reduce((sum, { processorMs }) => sum + processorMs, 0) / own.length,
    }));
    const [without, withFiles] = figures;
    const more = (withFiles?.processorMs ?? Number.NaN) - (without?.processorMs ?? Number.NaN);
    const sealing = sealingMs();
    return {
      settings: `${String(turns)} turns; beside each change, as many bytes are written and synced as the vault file has; sealing as many takes ${sealing.toFixed(0)} ms here`,
      lines: vaults.map(({ title, file }, index) => ({
        "": title,
        "change ms": figures[index]?.ms,
        "writing and syncing as much ms": figures[index]?.sync,
        "without it ms": figures[index]?.above,
        "processor ms a change": figures[index]?.processorMs,
        "of writing alone": figures[index]?.writingMs,
        "vault file MB": statSync(file).size / 1e6,
      })),
      targets: [
        {
          what: "a change, without writing and syncing",
          comparison: "at most",
          limit: 100,
          unit: "ms",
          measured: withFiles?.above ?? Number.NaN,
        },
        {
          what: "processor time for the files beside writing them, × that of sealing them again",
          comparison: "at most",
          limit: 0.5,
          unit: "×",
          measured: (more - (withFiles?.writingMs ?? Number.NaN)) / sealing,
        },
      ],
    };
  },
};

/** @returns {number} Processor time of AES-256-GCM over as many bytes as the files have, in ms. */
function sealingMs() {
  const content = randomBytes(FILE_BYTES);
  const spent = process.cpuUsage();
  for (let file = 0; file < FILES; file += 1) {
    createCipheriv("aes-256-gcm", randomBytes(32), randomBytes(12)).update(content);
  }
  const { user, system } = process.cpuUsage(spent);
  return (user + system) / 1000;
}
