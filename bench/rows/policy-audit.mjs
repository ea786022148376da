import { setTimeout as delay } from "node:timers/promises";
import { CONNECTIONS, LAST_BATCH_MS, warmUp } from "../harness/load-row.mjs";
import { processorMicroseconds } from "../harness/process-costs.mjs";
import { median, medianRatio } from "../harness/statistics.mjs";
import { takeTurns } from "../harness/turns.mjs";
import { serviceAt, startVault } from "../harness/vault-server.mjs";
import { wrk } from "../harness/wrk.mjs";

const CALLED_PATH = "/repos/acme/widgets/issues/1234/comments";
const OTHER_SERVICES = ["billing", "chat", "search", "wiki", "deploy"];

/** Each has a server of its own, so that it runs code that was compiled for it. */
const VARIANTS = [
  { title: "neither", audit: "off", settings: {} },
  { title: "50 rules and audit", audit: "on", settings: { policy: { rules: fiftyRules() } } },
  { title: "50 rules", audit: "off", settings: { policy: { rules: fiftyRules() } } },
  { title: "audit", audit: "on", settings: {} },
  {
    title: "50 rules with limits, and audit",
    audit: "on",
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
    const [turns, variants] = bench.isQuick ? [2, VARIANTS.slice(0, 2)] : [10, VARIANTS];
    const { origin } = await bench.upstream();
    /** @type {((typeof VARIANTS)[number] & { vault: import("../harness/vault-server.mjs").VaultServer })[]} */
    const servers = [];
    for (const variant of variants) {
      const flags = ["--audit", variant.audit];
      const vault = await startVault(bench.processes, bench.newPath("vault"), { flags });
      await vault.call("POST", "/services", serviceAt("api", origin));
      servers.push({ ...variant, vault });
    }
    /** A new token each time, whose calls of the last minute do not count. */
    const load = async (/** @type {(typeof servers)[number]} */ { vault, settings }) => {
      const headers = { Authorization: `Bearer ${await vault.makeToken(settings)}` };
      const before = processorMicroseconds(vault.pid);
      const url = `${vault.address}/proxy/api${CALLED_PATH}`;
      const { requests } = await wrk(url, { connections: CONNECTIONS, seconds: 1, headers });
      await delay(LAST_BATCH_MS);
      return { requests, cost: (processorMicroseconds(vault.pid) - before) / requests };
    };
    for (const server of servers) await warmUp(bench, () => load(server));
    const samples = await takeTurns(servers, turns, async (server) => (await load(server)).cost);
    const without = [...samples.values()][0] ?? [];
    const lines = [...samples].map(([{ title }, costs]) => ({
      "": title,
      "µs of processor time a call": median(costs),
      "× neither": medianRatio(costs, without),
      "of the least": Math.min(...costs) / Math.min(...without),
    }));
    return {
      settings: `${String(CONNECTIONS)} connections, ${String(turns)} turns of 1 s; other work can only raise a cost, so that the ratio of the least ones tells more on a busy machine`,
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
