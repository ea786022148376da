import { setTimeout as delay } from "node:timers/promises";
import { CONNECTIONS, LAST_BATCH_MS, warmUp } from "../harness/load-row.mjs";
import { processorMicroseconds } from "../harness/process-costs.mjs";
import { median, medianRatio } from "../harness/statistics.mjs";
import { takeTurns } from "../harness/turns.mjs";
import { serviceAt, startVault } from "../harness/vault-server.mjs";
import { wrk } from "../harness/wrk.mjs";

const CALLED_PATH = "/repos/acme/widgets/issues/1234/comments";
const OTHER_SERVICES = ["billing", "chat", "search", "wiki", "deploy"];

/** Two starts of the same server differ by up to a tenth: so each variant has several. */
const STARTS = 3;

/** Each has servers of its own, which run code that was compiled for it. */
const VARIANTS = [
  { title: "neither", audit: "off", settings: {} },
  { title: "50 rules and audit", audit: "on", settings: { policy: { rules: fiftyRules() } } },
  { title: "50 rules", audit: "off", settings: { policy: { rules: fiftyRules() } } },
  { title: "audit", audit: "on", settings: {} },
  {
    title: "50 rules with limits, and audit",
    audit: "on",
    // A minute's calls are more than any limit of them.
    isTokenNew: true,
    settings: {
      policy: {
        rules: fiftyRules(),
        // As high as they may be: what is measured is their counting.
        limits: { requests_per_minute: 60_000, max_concurrent: 1000, max_uses: 1e9, bytes_per_day: "1TB" },
      },
    },
  },
];

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "policy-audit",
  title: "policy with 50 rules, and audit, against both off",
  packages: ["nginx", "openssl", "wrk"],
  async measure(bench) {
    const [turns, starts, variants] = bench.isQuick ? [1, 1, VARIANTS.slice(0, 2)] : [5, STARTS, VARIANTS];
    const { origin } = await bench.upstream();
    const servers = await Promise.all(
      variants.map(async (variant) => ({
        title: variant.title,
        loads: await Promise.all(Array.from({ length: starts }, () => startVariant(bench, origin, variant))),
      })),
    );
    for (const { loads } of servers) for (const load of loads) await warmUp(bench, load);
    const samples = await takeTurns(servers, turns, async ({ loads }) => {
      let cost = 0;
      for (const load of loads) cost += (await load()).cost / loads.length;
      return cost;
    });
    const without = [...samples.values()][0] ?? [];
    const lines = [...samples].map(([{ title }, costs]) => ({
      "": title,
      "µs of processor time a call": median(costs),
      "× neither": medianRatio(costs, without),
      "of the least": Math.min(...costs) / Math.min(...without),
    }));
    return {
      settings: `${String(CONNECTIONS)} connections, ${String(turns)} turns of 1 s at each of ${String(starts)} servers a variant; other work can only raise a cost, so that the ratio of the least ones tells more on a busy machine`,
      lines,
      targets: [
        {
          what: "processor time, × that with both off",
          comparison: "at most",
          limit: 1.15,
          unit: "×",
          measured: lines[1]?.["× neither"] ?? Number.NaN,
        },
      ],
    };
  },
};

/**
 * @param {import("../harness/bench.mjs").Bench} bench
 * @param {string} origin
 * @param {(typeof VARIANTS)[number]} variant
 * @returns {Promise<() => Promise<{ requests: number, cost: number }>>} a second of load, and its cost in µs a call
 */
async function startVariant(bench, origin, { audit, settings, isTokenNew = false }) {
  const vault = await startVault(bench.processes, bench.newPath("vault"), { flags: ["--audit", audit] });
  await vault.call("POST", "/services", serviceAt("api", origin));
  let token = await vault.makeToken(settings);
  return async () => {
    if (isTokenNew) token = await vault.makeToken(settings);
    const before = processorMicroseconds(vault.pid);
    const { requests } = await wrk(`${vault.address}/proxy/api${CALLED_PATH}`, {
      connections: CONNECTIONS,
      seconds: 1,
      headers: { Authorization: `Bearer ${token}` },
    });
    await delay(LAST_BATCH_MS);
    return { requests, cost: (processorMicroseconds(vault.pid) - before) / requests };
  };
}

/** Most are for the service that is called, several paths each; only the last allows the call. */
function fiftyRules() {
  const resources = ["pulls", "commits", "branches", "releases", "labels", "milestones", "hooks"];
  const rules = Array.from({ length: 49 }, (_, index) => {
    const name = `${String(resources[index % resources.length])}-${String(index)}`;
    return {
      service: index % 5 < 3 ? "api" : [OTHER_SERVICES[index % OTHER_SERVICES.length], "status"],
      methods: index % 3 === 0 ? ["POST", "PATCH"] : ["GET", "HEAD"],
      paths: [`/repos/acme/*/${name}/**`, `/repos/acme/widgets/${name}`, `/orgs/acme/${name}-*/members`],
    };
  });
  return [...rules, { service: "api", methods: ["GET"], paths: ["/user", "/repos/acme/*/issues/**"] }];
}
