import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createCallMetrics } from "./call-metrics.js";
import { createServiceTable } from "./service-series.js";

function callMetrics() {
  const registry = new Registry();
  let clock = 0;
  const metrics = createCallMetrics(
    registry,
    createServiceTable((name) => name === "api"),
    () => clock,
  );
  return { registry, metrics, at: (milliseconds: number) => void (clock = milliseconds) };
}

test("what the vault adds is all but the time between the request's head leaving and the answer's coming", async () => {
  const { registry, metrics, at } = callMetrics();
  at(110);
  const times = metrics.times("api", 100);
  at(140);
  times.requestSent();
  at(1140);
  times.answerCame();
  at(1145);
  times.answerLeft();
  const text = await registry.metrics();
  expect(text).toContain("vault_proxy_added_seconds_sum 0.045\n");
  expect(text).toContain("vault_proxy_connection_wait_seconds_sum 0.03\n");
  expect(text).toContain('vault_proxy_upstream_seconds_sum{service="api"} 1\n');
});

test("a call that is sent once more is measured from its last sending, and observed once", async () => {
  const { registry, metrics, at } = callMetrics();
  const times = metrics.times("api", 0);
  times.requestSent();
  at(500);
  times.requestSent();
  at(700);
  times.answerCame();
  times.answerLeft();
  times.answerLeft();
  const text = await registry.metrics();
  expect(text).toContain('vault_proxy_upstream_seconds_sum{service="api"} 0.2\n');
  expect(text).toContain("vault_proxy_added_seconds_count 1\n");
});

test("a call without an answer is not observed", async () => {
  const { registry, metrics } = callMetrics();
  const times = metrics.times("api", 0);
  times.answerLeft();
  times.requestSent();
  times.answerLeft();
  expect(await registry.metrics()).toContain("vault_proxy_added_seconds_count 0\n");
});

test("failed refreshes are counted, also those of services that are gone", async () => {
  const { registry, metrics } = callMetrics();
  metrics.refreshed("api", "ok");
  metrics.refreshed("gone", "oauth2_refresh_failed");
  expect(metrics.refreshFailures).toBe(1);
  expect(await registry.metrics()).toContain(
    'vault_proxy_refreshes_total{service="_other",outcome="oauth2_refresh_failed"} 1\n',
  );
});
