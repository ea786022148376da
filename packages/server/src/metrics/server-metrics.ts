import { setImmediate as nextTurn } from "node:timers/promises";
import { collectDefaultMetrics, Registry } from "prom-client";
import { createCallMetrics, type CallMetrics } from "./call-metrics.js";
import { watchEventLoopLag, type EventLoopLag, type EventLoopLagParts } from "./event-loop-lag.js";
import { createEventMetrics, type EventMetrics } from "./event-metrics.js";
import { LAG_BUCKETS } from "./metrics-limits.js";
import { PlainHistogram } from "./plain-histogram.js";
import { ScrapedHistogram } from "./scraped-histogram.js";
import { createServiceTable } from "./service-series.js";
import { registerStateGauges, type ServerState } from "./state-gauges.js";

/** Of the library: they show the interval of its own timer, not how late the loop is. */
const MISLEADING = /^nodejs_eventloop_lag_(?:min|max|mean|stddev|p\d+)_seconds$/;
/** For the library's timer, which is not used: as seldom as can be. */
const UNUSED_LAG_PRECISION_MS = 60_000;

/** Everything that one server counts. */
export interface ServerMetrics {
  readonly calls: CallMetrics;
  readonly events: EventMetrics;
  readonly lag: EventLoopLag;
  /** The services have changed: forgets what was counted of those that are gone. */
  servicesChanged(): void;
  /** What is shown of the server's state; to be called once, when its parts are made. */
  showState(read: () => ServerState): void;
  /** In the text format of Prometheus, version 0.0.4. */
  text(): Promise<string>;
  readonly contentType: string;
}

export interface ServerMetricsParts extends Pick<EventLoopLagParts, "now" | "every"> {
  /** Whether there is a service of this name; false while the vault is locked. */
  readonly hasService: (name: string) => boolean;
  readonly version: string;
}

export function createServerMetrics({ hasService, version, now, every }: ServerMetricsParts): ServerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: UNUSED_LAG_PRECISION_MS });
  for (const { name } of registry.getMetricsAsArray()) {
    if (MISLEADING.test(name)) registry.removeSingleMetric(name);
  }
  const services = createServiceTable(hasService);
  const lagHistogram = new PlainHistogram(LAG_BUCKETS);
  new ScrapedHistogram({
    name: "vault_proxy_event_loop_lag_seconds",
    help: "How late a timer fires that runs every 20 ms.",
    registry,
    histograms: () => [[{}, lagHistogram]],
  });
  const showState = registerStateGauges(registry, version);
  let readState: (() => ServerState) | undefined;
  return {
    calls: createCallMetrics(registry, services, now),
    events: createEventMetrics(registry),
    lag: watchEventLoopLag({ histogram: lagHistogram, now, every }),
    servicesChanged: () => services.refresh(),
    showState(read) {
      readState = read;
    },
    async text() {
      const state = readState?.();
      if (state !== undefined) showState(state);
      const metrics: string[] = [];
      for (const { name } of registry.getMetricsAsArray()) {
        metrics.push(await registry.getSingleMetricAsString(name));
        // With many services it takes long: calls come first.
        await nextTurn();
      }
      return `${metrics.join("\n\n")}\n`;
    },
    contentType: registry.contentType,
  };
}
