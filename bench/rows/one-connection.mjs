import { warmContestant } from "../harness/load-row.mjs";
import { median } from "../harness/statistics.mjs";
import { takeTurns } from "../harness/turns.mjs";
import { wrk } from "../harness/wrk.mjs";

const SIDES = ["direct", "nginx", "vault-server"];

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "one-connection",
  title: "one connection, one request at a time",
  packages: ["nginx", "openssl", "wrk"],
  async measure(bench) {
    const [turns, seconds] = bench.isQuick ? [1, 1] : [6, 2];
    const sides = (await bench.contestants()).filter(({ name }) => SIDES.includes(name));
    const load = (/** @type {(typeof sides)[number]} */ { urlOf, headers }, /** @type {number} */ duration) =>
      wrk(urlOf("plain", "/v1/models", "one-connection") ?? "", {
        connections: 1,
        seconds: duration,
        headers,
      });
    for (const side of sides) await warmContestant(bench, side, () => load(side, 1));
    const samples = await takeTurns(sides, turns, (side) => load(side, seconds));
    const figures = new Map(
      [...samples].map(([{ name }, own]) => [
        name,
        { p50: median(own.map(({ p50Ms }) => p50Ms)), p99: median(own.map(({ p99Ms }) => p99Ms)) },
      ]),
    );
    const direct = figures.get("direct")?.p50 ?? Number.NaN;
    return {
      settings: `a small JSON GET, ${String(turns)} turns of ${String(seconds)} s`,
      lines: [...figures].map(([name, { p50, p99 }]) => ({
        "": name,
        "p50 ms": p50,
        "added ms": p50 - direct,
        "p99 ms": p99,
      })),
      targets: [
        {
          what: "added latency, p50",
          comparison: "at most",
          limit: 0.3,
          unit: "ms",
          measured: (figures.get("vault-server")?.p50 ?? Number.NaN) - direct,
        },
      ],
    };
  },
};
