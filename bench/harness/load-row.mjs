/** What the rows of many small calls share: everyone under the same load in turn. */
import { setTimeout as delay } from "node:timers/promises";
import { processorMicroseconds, residentMb } from "./process-costs.mjs";
import { median, medianRatio } from "./statistics.mjs";
import { takeTurns } from "./turns.mjs";
import { wrk } from "./wrk.mjs";

export const CONNECTIONS = 32;
/** Longer than a batch of the audit log waits: its writing is counted with the calls that it records. */
export const LAST_BATCH_MS = 150;

/**
 * Until the code of a server is compiled, which takes processor time as well; a busy machine gets no further in time.
 *
 * @param {import("./bench.mjs").Bench} bench
 * @param {() => Promise<{ requests: number }>} load
 * @param {number} [enough] Calls.
 */
export async function warmUp({ isQuick }, load, enough = isQuick ? 1 : 20_000) {
  const seconds = isQuick ? 2 : 12;
  const until = performance.now() + seconds * 1000;
  for (let calls = 0; calls < enough && performance.now() < until;) calls += (await load()).requests;
}

/**
 * As {@link warmUp}; in a quick run, what was compiled for an earlier row has to do, and nginx compiles nothing.
 *
 * @param {import("./bench.mjs").Bench} bench
 * @param {import("./contestants.mjs").Contestant} contestant
 * @param {() => Promise<{ requests: number }>} load
 */
export async function warmContestant(bench, { name }, load) {
  const isWarm = bench.warm.has(name) || name === "direct" || name === "nginx";
  if (!bench.isQuick) await warmUp(bench, load);
  else if (!isWarm) await warmUp(bench, load, 3_000);
  bench.warm.add(name);
}

/**
 * @param {import("./bench.mjs").Bench} bench
 * @param {object} work
 * @param {string} work.row
 * @param {"plain" | "tls"} work.kind
 * @param {number} [work.bodyBytes]
 * @returns {Promise<import("./row.mjs").Measured>}
 */
export async function measureLoad(bench, { row, kind, bodyBytes }) {
  const [turns, seconds] = bench.isQuick ? [1, 1] : [5, 2];
  const all = (await bench.contestants()).flatMap((contestant) => {
    const url = contestant.urlOf(kind, "/v1/models", row);
    return url === undefined ? [] : [{ ...contestant, url }];
  });
  const load = (/** @type {(typeof all)[number]} */ { url, headers }, /** @type {number} */ duration) =>
    wrk(url, {
      connections: CONNECTIONS,
      seconds: duration,
      headers,
      ...(bodyBytes === undefined ? {} : { bodyBytes }),
    });
  for (const each of all) await warmContestant(bench, each, () => load(each, 1));
  const samples = await takeTurns(all, turns, async (each) => {
    const before = each.pid === undefined ? 0 : processorMicroseconds(each.pid);
    const loaded = await load(each, seconds);
    if (each.pid === undefined) return { ...loaded, cost: Number.NaN };
    await delay(LAST_BATCH_MS);
    return { ...loaded, cost: (processorMicroseconds(each.pid) - before) / loaded.requests };
  });

  const costs = new Map([...samples].map(([each, own]) => [each.name, own.map(({ cost }) => cost)]));
  const costsOf = (/** @type {string} */ name) => costs.get(name) ?? [];
  /** @type {import("./row.mjs").Line[]} */
  const lines = [];
  for (const [each, own] of samples) {
    const { pid, watch, watched } = each;
    const isWatched = watch !== undefined && !bench.isQuick;
    if (isWatched) await watch();
    if (isWatched) await load(each, seconds);
    const runtime = isWatched ? await watched?.() : undefined;
    lines.push({
      "": each.name,
      "µs of processor time a call": pid === undefined ? undefined : median(costsOf(each.name)),
      "× nginx": pid === undefined ? undefined : medianRatio(costsOf(each.name), costsOf("nginx")),
      "least µs": pid === undefined ? undefined : Math.min(...costsOf(each.name)),
      "calls a second": Math.round(median(own.map(({ perSecond }) => perSecond))),
      "p50 ms": median(own.map(({ p50Ms }) => p50Ms)),
      "p99 ms": median(own.map(({ p99Ms }) => p99Ms)),
      "resident MB": pid === undefined ? undefined : Math.round(residentMb(pid)),
      "loop delay p99 ms": runtime?.loopDelayP99Ms,
      "collecting %": runtime === undefined ? undefined : runtime.collectingShare * 100,
    });
  }
  const body = bodyBytes === undefined ? "" : `, bodies of ${String(bodyBytes)} bytes`;
  return {
    settings: `${String(CONNECTIONS)} connections${body}, ${String(turns)} turns of ${String(seconds)} s; other work can only raise a cost, so that the least one tells more on a busy machine${bench.isQuick ? "" : "; the loop and the collection watched in a turn of their own"}`,
    lines,
    targets: [
      {
        what: "processor time, × nginx's",
        comparison: "at most",
        limit: 4,
        then: 2.5,
        unit: "×",
        measured: medianRatio(costsOf("vault-server"), costsOf("nginx")),
      },
      {
        what: "processor time of Hono's `proxy()`, × the vault's",
        comparison: "at least",
        limit: 6,
        then: 8,
        unit: "×",
        measured: medianRatio(costsOf("Hono proxy()"), costsOf("vault-server")),
      },
      {
        what: "processor time, × http-proxy's",
        comparison: "at most",
        limit: 1,
        unit: "×",
        measured: medianRatio(costsOf("vault-server"), costsOf("http-proxy")),
      },
    ],
  };
}
