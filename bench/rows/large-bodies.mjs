import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startReverseProxy } from "../harness/nginx.mjs";
import { forgetPeak, peakMb, processorMicroseconds, residentMb } from "../harness/process-costs.mjs";
import { median, medianRatio } from "../harness/statistics.mjs";
import { takeTurns } from "../harness/turns.mjs";
import { serviceAt, startVault } from "../harness/vault-server.mjs";

const SINK = fileURLToPath(new URL("../programs/sink.mjs", import.meta.url));
const MB = 1e6;
const BLOCK_BYTES = 4 * 1024 * 1024;

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "large-bodies",
  title: "512 MB download and upload",
  packages: ["curl", "nginx", "openssl"],
  async measure(bench) {
    const [turns, bytes] = bench.isQuick ? [1, 128 * 1024 * 1024] : [4, 512 * 1024 * 1024];
    const file = await makeFile(bench.newPath("files"), bytes);
    const { origin } = await bench.upstream();
    const sink = await bench.processes.startNode([SINK], { ready: /listening on (\S+)/ });
    const key = "key-of-the-bench-0123456789abcdef";
    const routes = { files: origin, sink: sink.said };
    const nginx = await startReverseProxy(bench.processes, bench.newPath("nginx"), { routes, key });
    const vault = await startVault(bench.processes, bench.newPath("vault"));
    for (const [name, target] of Object.entries(routes)) {
      const service = serviceAt(name, target, { type: "bearer", token: key });
      await vault.call("POST", "/services", { ...service, max_request_bytes: 0 });
    }
    const token = await vault.makeToken();
    const path = `/files/${basename(join(file, ".."))}/${basename(file)}`;
    const sides = [
      { name: "direct", pid: sink.pid, download: origin + path, upload: sink.said },
      {
        name: "nginx",
        pid: nginx.pid,
        download: `${nginx.base}/files${path}`,
        upload: `${nginx.base}/sink/`,
      },
      {
        name: "vault-server",
        pid: vault.pid,
        download: `${vault.address}/proxy/files${path}`,
        upload: `${vault.address}/proxy/sink/`,
      },
    ];
    const before = residentMb(vault.pid);
    forgetPeak(vault.pid);
    /** @type {import("../harness/row.mjs").Line[]} */
    const lines = [];
    /** @type {number[]} */
    const ratios = [];
    for (const direction of /** @type {const} */ (["download", "upload"])) {
      const samples = await takeTurns(sides, turns, async (side) => {
        const spent = processorMicroseconds(side.pid);
        const rate = await transfer(side[direction], direction === "upload" ? file : undefined, bytes, token);
        return { rate, seconds: (processorMicroseconds(side.pid) - spent) / 1e6 };
      });
      const rates = [...samples.values()].map((own) => own.map(({ rate }) => rate));
      const [, ofNginx = [], ofVault = []] = rates;
      ratios.push(medianRatio(ofVault, ofNginx));
      for (const [{ name }, own] of samples) {
        lines.push({
          "": `${direction}, ${name}`,
          "MB a second": Math.round(median(own.map(({ rate }) => rate))),
          "s of processor time a GB":
            name === "direct" ? undefined : median(own.map(({ seconds }) => seconds)) / (bytes / 1e9),
          "× nginx's rate": medianRatio(
            own.map(({ rate }) => rate),
            ofNginx,
          ),
        });
      }
    }
    const growth = peakMb(vault.pid) - before;
    lines.push({ "": "vault-server, resident memory", "MB before": before, "MB more at most": growth });
    const [download = Number.NaN, upload = Number.NaN] = ratios;
    return {
      settings: `${String(bytes / 1024 ** 2)} MiB of random bytes by curl, ${String(turns)} turns; nginx buffers no bodies, as the vault`,
      lines,
      targets: [
        {
          what: "download, × nginx's rate",
          comparison: "at least",
          limit: 0.5,
          unit: "×",
          measured: download,
        },
        { what: "upload, × nginx's rate", comparison: "at least", limit: 0.5, unit: "×", measured: upload },
        { what: "more resident memory", comparison: "at most", limit: 50, unit: "MB", measured: growth },
      ],
    };
  },
};

/**
 * @param {string} directory
 * @param {number} bytes
 */
async function makeFile(directory, bytes) {
  await mkdir(directory);
  const path = join(directory, "large.bin");
  const file = await open(path, "w");
  const block = randomBytes(BLOCK_BYTES);
  for (let written = 0; written < bytes; written += BLOCK_BYTES) await file.write(block);
  await file.close();
  return path;
}

/**
 * @param {string} url
 * @param {string | undefined} upload The file that is sent; fetches without.
 * @param {number} bytes
 * @param {string} token
 * @returns {Promise<number>} MB a second.
 */
async function transfer(url, upload, bytes, token) {
  const { stdout } = await promisify(execFile)("curl", [
    ...["-sS", "--fail", "-H", `Authorization: Bearer ${token}`, "-H", "Expect:"],
    ...(upload === undefined
      ? ["-o", "/dev/null", "-w", "%{size_download} %{time_total}"]
      : ["-T", upload, "-w", " %{time_total}"]),
    url,
  ]);
  const [moved = 0, seconds = 0] = stdout.trim().split(/\s+/).map(Number);
  if (moved !== bytes) throw new Error(`${url}: ${String(moved)} bytes of ${String(bytes)} came`);
  return bytes / MB / seconds;
}
