/**
 * What the metrics of one proxied call cost in processor time: everything that a call does for them, and the same loop
 * without, in turn; then what one reading costs with the most services.
 */
import { createCallMetrics } from "../../packages/server/lib/metrics/call-metrics.js";
import { createServiceTable } from "../../packages/server/lib/metrics/service-series.js";
import { createEventMetrics } from "../../packages/server/lib/metrics/event-metrics.js";
import { countRecords } from "../../packages/server/lib/counted-records.js";
import { createRequire } from "node:module";

const { Registry } = createRequire(new URL("../../packages/server/package.json", import.meta.url))(
  "prom-client",
);
const CALLS = process.argv.includes("--quick") ? 200_000 : 1_000_000;
const ROUNDS = 5;
const SERVICES = 500;

const registry = new Registry();
const now = () => performance.now();
const metrics = createCallMetrics(
  registry,
  createServiceTable(() => true),
  now,
);
const events = createEventMetrics(registry);
const record = countRecords(metrics, events);
const names = Array.from({ length: SERVICES }, (_, index) => `service-${index}`);

function factsOf(index) {
  return {
    request_id: "00000000-0000-0000-0000-000000000000",
    service: names[index % SERVICES],
    method: "GET",
    path: "/v1/models",
    decision: "allow",
    status: 200,
    code: undefined,
    bytes_in: 0,
    bytes_out: 512,
    ms: 1,
  };
}

function measured(index, startedAt) {
  const facts = factsOf(index);
  const times = metrics.times(facts.service, startedAt);
  times.requestSent();
  times.answerCame();
  times.answerLeft();
  record("proxy", facts, undefined);
  return facts.status;
}

function unmeasured(index) {
  return factsOf(index).status;
}

function run(call) {
  const startedAt = now();
  const before = process.cpuUsage();
  let sum = 0;
  for (let index = 0; index < CALLS; index += 1) sum += call(index, startedAt);
  const { user, system } = process.cpuUsage(before);
  if (sum !== CALLS * 200) throw new Error("a call was left out");
  return ((user + system) * 1000) / CALLS;
}

const costs = { without: [], with: [] };
for (let round = 0; round < ROUNDS; round += 1) {
  costs.without.push(run(unmeasured));
  costs.with.push(run(measured));
}
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const added = median(costs.with) - median(costs.without);
await registry.metrics();
const before = process.cpuUsage();
const text = await registry.metrics();
const { user, system } = process.cpuUsage(before);
process.stdout.write(
  JSON.stringify([
    { "": "one call", ns: added },
    {
      "": `one reading with ${SERVICES} services`,
      ms: (user + system) / 1000,
      KB: Math.round(text.length / 1024),
    },
  ]),
);
