/**
 * `node bench/profile.mjs [--heap] [seconds]`: where the server spends its time on small calls, or what it allocates, by the
 * functions themselves. The compiled modules are run instead of the bundle, so that functions have the files that they are from.
 */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createBench } from "./harness/bench.mjs";
import { CONNECTIONS } from "./harness/load-row.mjs";
import { serviceAt, startVault } from "./harness/vault-server.mjs";
import { wrk } from "./harness/wrk.mjs";

const PROGRAM = fileURLToPath(new URL("../packages/server/lib/main.js", import.meta.url));
const ALLOCATION_PROBE = fileURLToPath(new URL("harness/allocation-probe.mjs", import.meta.url));
const WARM_UP_SECONDS = 3;
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SHOWN = 45;
/** Its time is that of nobody. */
const IDLE = "(idle)";

const isHeap = process.argv.includes("--heap");
const seconds = Number(process.argv.find((argument) => /^\d+$/.test(argument)) ?? 10);

const bench = await createBench({ isQuick: true, peers: [], say: () => undefined });
process.on("exit", () => bench.kill());
try {
  const folder = bench.newPath("profiles");
  await mkdir(folder);
  const { origin } = await bench.upstream();
  const vault = await startVault(bench.processes, bench.newPath("vault"), {
    program: PROGRAM,
    nodeFlags: isHeap ? ["--import", ALLOCATION_PROBE] : ["--cpu-prof", `--cpu-prof-dir=${folder}`],
  });
  await vault.call("POST", "/services", serviceAt("api", origin));
  const headers = { Authorization: `Bearer ${await vault.makeToken()}` };
  const load = (/** @type {number} */ duration) =>
    wrk(`${vault.address}/proxy/api/v1/models`, { connections: CONNECTIONS, seconds: duration, headers });
  if (isHeap) {
    await load(WARM_UP_SECONDS);
    await vault.ask({ allocations: "begin" });
    const { requests } = await load(seconds);
    show(bytesByFunction(await vault.ask({ allocations: "end" })), requests);
  } else {
    const { requests } = await load(seconds);
    await vault.stop();
    // Threads of the server write profiles of their own; its main thread did most.
    const profiles = await Promise.all(
      (await readdir(folder)).map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8"))),
    );
    const tables = profiles.map(microsecondsByFunction);
    const [own] = tables.toSorted((one, other) => totalOf(other) - totalOf(one));
    show(own ?? new Map(), requests);
  }
} finally {
  await bench.end();
}

/**
 * @typedef {{ functionName: string, url: string, lineNumber: number }} CallFrame
 * @typedef {{ id: number, callFrame: CallFrame, children?: HeapNode[], selfSize: number }} HeapNode
 *
 * @param {{ nodes: { id: number, callFrame: CallFrame }[], samples: number[], timeDeltas: number[] }} profile
 * @returns {Map<string, number>}
 */
function microsecondsByFunction({ nodes, samples, timeDeltas }) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  /** @type {Map<string, number>} */
  const spent = new Map();
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? "";
    if (name !== IDLE) spent.set(name, (spent.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
  return spent;
}

/**
 * @param {{ head: HeapNode }} profile
 * @returns {Map<string, number>}
 */
function bytesByFunction({ head }) {
  /** @type {Map<string, number>} */
  const held = new Map();
  const visit = (/** @type {HeapNode} */ { callFrame, selfSize, children = [] }) => {
    const name = nameOf(callFrame);
    held.set(name, (held.get(name) ?? 0) + selfSize);
    children.forEach(visit);
  };
  visit(head);
  return held;
}

/** @param {CallFrame} frame */
function nameOf({ functionName, url, lineNumber }) {
  const file = url
    .replace(`file://${ROOT}`, "")
    .replace("packages/server/lib/", "")
    .replace(/.*node_modules\//, "");
  return file === "" ? functionName : `${functionName || "(anonymous)"} ${file}:${String(lineNumber + 1)}`;
}

/** @param {Map<string, number>} table */
function totalOf(table) {
  return [...table.values()].reduce((sum, value) => sum + value, 0);
}

/**
 * @param {Map<string, number>} table
 * @param {number} requests
 */
function show(table, requests) {
  const total = totalOf(table);
  const unit = isHeap ? "bytes a call" : "µs a call";
  const each = requests;
  console.log(`${String(requests)} calls; ${(total / each).toFixed(1)} ${unit} in all`);
  const byFile = new Map();
  for (const [name, value] of table) {
    const file = name.split(" ").at(-1)?.replace(/:\d+$/, "") ?? "";
    const group = /^node:/.test(file) ? file.split("/").slice(0, 2).join("/") : file;
    byFile.set(group, (byFile.get(group) ?? 0) + value);
  }
  for (const [title, entries] of /** @type {const} */ ([
    ["by function", table],
    ["by file", byFile],
  ])) {
    console.log(`\n${title}`);
    for (const [name, value] of [...entries].sort((one, other) => other[1] - one[1]).slice(0, SHOWN)) {
      console.log(
        `${((value / total) * 100).toFixed(1).padStart(5)} %  ${(value / each).toFixed(2).padStart(8)} ${unit}  ${name}`,
      );
    }
  }
}
