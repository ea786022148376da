import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startReverseProxy } from "../harness/nginx.mjs";
import { processorMicroseconds, residentMb } from "../harness/process-costs.mjs";
import { median } from "../harness/statistics.mjs";
import { takeTurns } from "../harness/turns.mjs";
import { serviceAt, startVault } from "../harness/vault-server.mjs";

const SOURCE = fileURLToPath(new URL("../programs/event-source.mjs", import.meta.url));
const READERS = fileURLToPath(new URL("../programs/event-readers.mjs", import.meta.url));
const COUNTS = [1, 100, 1000];
const KEY = "key-of-the-bench-0123456789abcdef";
const WARM_UP_STREAMS = 300;
/** Of those whose ends are freed before the next begin. */
const REST_MS = 300;
const KB_PER_MB = 1000;

/**
 * @typedef {{ firstMs: number[], begun: number, events: number, allEvents: number, chunks: number, perStream: number, delayP50Ms: number, delayP99Ms: number }} Read
 */

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "event-streams",
  title: "SSE, one event every 20 ms: 1, 100 and 1,000 streams",
  packages: ["nginx"],
  async measure(bench) {
    const [turns, seconds] = bench.isQuick ? [1, 0.5] : [3, 2];
    const ready = /listening on (\S+)/;
    const source = await bench.processes.startNode([SOURCE], { ready });
    const readers = await bench.processes.startNode([READERS], { ready: /ready/ });
    const vault = await startVault(bench.processes, bench.newPath("vault"));
    await vault.call("POST", "/services", serviceAt("events", source.said, { type: "bearer", token: KEY }));
    const headers = { Authorization: `Bearer ${await vault.makeToken()}` };
    const sides = [
      { name: "direct", url: `${source.said}/v1/stream`, pid: undefined },
      ...(bench.isQuick ? [] : [await startNginx(bench, source.said)]),
      { name: "vault-server", url: `${vault.address}/proxy/events/v1/stream`, pid: vault.pid },
    ];
    const read = async (/** @type {string} */ url, /** @type {number} */ count) => {
      const said = await readers.ask({ open: count, url, headers, seconds });
      const answer = /** @type {Read & { failure?: string }} */ (said);
      if (answer.failure !== undefined) throw new Error(`${url}: ${answer.failure}`);
      return answer;
    };
    for (const { url } of sides) {
      await read(url, WARM_UP_STREAMS);
      await readers.ask({ close: true });
    }

    /** @type {import("../harness/row.mjs").Line[]} */
    const lines = [];
    /** @type {import("../harness/row.mjs").Target[]} */
    const targets = [];
    for (const count of COUNTS) {
      const streams = count === 1 ? "1 stream" : `${count.toLocaleString("en")} streams`;
      const samples = await takeTurns(sides, turns, async ({ url, pid, name }) => {
        const resident = pid === undefined ? 0 : residentMb(pid);
        const spent = pid === undefined ? 0 : processorMicroseconds(pid);
        if (name === "vault-server") await vault.watch();
        const got = await read(url, count);
        const watched = name === "vault-server" ? await vault.watched() : undefined;
        const cost = pid === undefined ? Number.NaN : (processorMicroseconds(pid) - spent) / got.allEvents;
        const kb = pid === undefined ? Number.NaN : ((residentMb(pid) - resident) * KB_PER_MB) / count;
        await readers.ask({ close: true });
        await delay(REST_MS);
        return { ...got, cost, kb, watched };
      });
      const firsts = new Map(
        [...samples].map(([{ name }, own]) => [name, median(own.flatMap(({ firstMs }) => firstMs))]),
      );
      for (const [{ name, pid }, own] of samples) {
        const of = (/** @type {(sample: (typeof own)[number]) => number} */ pick) => median(own.map(pick));
        lines.push({
          "": `${count.toLocaleString("en")}, ${name}`,
          "streams begun": of(({ begun }) => begun),
          "first byte p50 ms": firsts.get(name),
          "event p50 ms": of(({ delayP50Ms }) => delayP50Ms),
          "event p99 ms": of(({ delayP99Ms }) => delayP99Ms),
          "events a second and stream": of(({ perStream }) => perStream),
          "chunks an event": of(({ chunks, events }) => chunks / events),
          "µs of processor time an event": pid === undefined ? undefined : of(({ cost }) => cost),
          // The first turn brings what later ones take again.
          "KB a stream": pid === undefined ? undefined : Math.max(...own.map(({ kb }) => kb)),
          "loop delay p99 ms":
            name === "vault-server" ? of(({ watched }) => watched?.loopDelayP99Ms ?? Number.NaN) : undefined,
        });
      }
      const ofVault = [...samples.values()].at(-1) ?? [];
      targets.push({
        what: `${streams}: first byte added, p50`,
        comparison: "at most",
        limit: 2,
        unit: "ms",
        measured: (firsts.get("vault-server") ?? Number.NaN) - (firsts.get("direct") ?? Number.NaN),
      });
      targets.push({
        what: `${streams}: chunks an event`,
        comparison: "exactly",
        limit: 1,
        unit: "",
        measured: Math.min(...ofVault.map(({ chunks, events }) => chunks / events)),
      });
      if (count === COUNTS.at(-1)) {
        targets.push({
          what: "memory a stream",
          comparison: "at most",
          limit: 60,
          unit: "KB",
          measured: Math.max(...ofVault.map(({ kb }) => kb)),
        });
      }
    }
    return {
      settings: `${String(turns)} turns of ${String(seconds)} s; streams are opened 2 ms apart; 1,000 are 50,000 events a second, which source, server and readers share the cores for`,
      lines,
      targets,
    };
  },
};

/**
 * @param {import("../harness/bench.mjs").Bench} bench
 * @param {string} source
 */
async function startNginx(bench, source) {
  const routes = { events: source };
  const nginx = await startReverseProxy(bench.processes, bench.newPath("nginx"), { routes, key: KEY });
  return { name: "nginx", url: `${nginx.base}/events/v1/stream`, pid: nginx.pid };
}
