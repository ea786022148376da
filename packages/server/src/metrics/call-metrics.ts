import { Counter, type Registry } from "prom-client";
import type { ErrorCode } from "../errors/error-codes.js";
import { ADDED_BUCKETS } from "./metrics-limits.js";
import { PlainHistogram } from "./plain-histogram.js";
import { ScrapedHistogram } from "./scraped-histogram.js";
import type { Plane, ServiceTable } from "./service-series.js";

/** How a call ended. */
export interface EndedCall {
  readonly service: string | undefined;
  readonly plane: Plane;
  /** HTTP status that the caller got. */
  readonly status: number | undefined;
  readonly code: ErrorCode | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What is counted of calls. Nothing here hashes labels: that is done when somebody reads the metrics. */
export interface CallMetrics {
  ended(call: EndedCall): void;
  refreshed(service: string | undefined, outcome: ErrorCode | "ok"): void;
  /** Refreshes that failed, of all services that there were. */
  readonly refreshFailures: number;
  /**
   * Begins to measure a call that is passed on.
   *
   * @param startedAt when its head had been read, in monotonic milliseconds, as `now` has them
   */
  times(service: string, startedAt: number): CallTimes;
  /** A call that another process has measured, in seconds. */
  measured(service: string, seconds: MeasuredSeconds): void;
}

export interface MeasuredSeconds {
  /** That the vault added; `connecting` is a part of it. */
  readonly added: number;
  readonly connecting: number;
  readonly upstream: number;
}

/** @param now monotonic milliseconds */
export function createCallMetrics(
  registry: Registry,
  services: ServiceTable,
  now: () => number,
): CallMetrics {
  const added = new PlainHistogram(ADDED_BUCKETS);
  let refreshFailures = 0;
  const connecting = new PlainHistogram(ADDED_BUCKETS);

  new Counter({
    name: "vault_proxy_calls_total",
    help: "Calls that have ended, by service, plane, class of the status that the caller got, and error code of the vault.",
    labelNames: ["service", "plane", "status", "code"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [service, series] of services.entries()) {
        for (const { plane, status, code, value } of series.calls()) {
          this.inc({ service, plane, status, code }, value);
        }
      }
    },
  });
  new Counter({
    name: "vault_proxy_bytes_total",
    help: "Bytes of bodies from callers (in) and to callers (out), of calls that have ended.",
    labelNames: ["service", "direction"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [service, { bytesIn, bytesOut }] of services.entries()) {
        this.inc({ service, direction: "in" }, bytesIn);
        this.inc({ service, direction: "out" }, bytesOut);
      }
    },
  });
  new Counter({
    name: "vault_proxy_refreshes_total",
    help: "Refreshes of access tokens, by service and outcome: ok, or an error code.",
    labelNames: ["service", "outcome"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [service, { refreshes }] of services.entries()) {
        for (const [outcome, count] of refreshes) this.inc({ service, outcome }, count);
      }
    },
  });
  new ScrapedHistogram({
    name: "vault_proxy_upstream_seconds",
    help: "From the head of a request leaving to the head of its answer coming, by service.",
    registry,
    histograms: function* () {
      for (const [service, { upstream }] of services.entries()) {
        if (upstream.count > 0) yield [{ service }, upstream] as const;
      }
    },
  });
  new ScrapedHistogram({
    name: "vault_proxy_added_seconds",
    help: "Time that a call spends in the vault: from the request's head coming to it leaving, and from the answer's head coming to it leaving.",
    registry,
    histograms: () => [[{}, added]],
  });
  new ScrapedHistogram({
    name: "vault_proxy_connection_wait_seconds",
    help: "Part of vault_proxy_added_seconds: the wait for a connection to the upstream, made or free.",
    registry,
    histograms: () => [[{}, connecting]],
  });

  const measures: Measures = { added, connecting, now };

  return {
    ended({ service, plane, status, code, bytesIn, bytesOut }) {
      const series = services.of(service);
      series.ended(plane, status, code);
      series.bytesIn += bytesIn;
      series.bytesOut += bytesOut;
    },
    refreshed(service, outcome) {
      services.of(service).refreshed(outcome);
      if (outcome !== "ok") refreshFailures += 1;
    },
    get refreshFailures() {
      return refreshFailures;
    },
    times: (service, startedAt) => new CallTimes(services.of(service), measures, startedAt),
    measured(service, seconds) {
      added.observe(seconds.added);
      connecting.observe(seconds.connecting);
      services.of(service).upstream.observe(seconds.upstream);
    },
  };
}

type Observed = Pick<PlainHistogram, "observe">;

/** What all calls are measured with. */
interface Measures {
  readonly added: Observed;
  readonly connecting: Observed;
  readonly now: () => number;
}

/** The moments of one call that are measured. One that gets no answer is not observed. */
export class CallTimes {
  readonly #series: { readonly upstream: Observed };
  readonly #measures: Measures;
  readonly #startedAt: number;
  readonly #dispatchedAt: number;
  /** Undefined until then, as {@link #cameAt} is. */
  #sentAt: number | undefined;
  #cameAt: number | undefined;

  constructor(series: { readonly upstream: Observed }, measures: Measures, startedAt: number) {
    this.#series = series;
    this.#measures = measures;
    this.#startedAt = startedAt;
    this.#dispatchedAt = measures.now();
  }

  /** The request's head leaves, on a connection that is made. Again where it is sent once more: the last time counts. */
  requestSent(): void {
    this.#sentAt = this.#measures.now();
  }

  /** The answer's head has come; interim ones are none. */
  answerCame(): void {
    this.#cameAt = this.#measures.now();
  }

  /** The answer's head leaves. */
  answerLeft(): void {
    const { added, connecting, now } = this.#measures;
    const sentAt = this.#sentAt;
    const cameAt = this.#cameAt;
    if (sentAt === undefined || cameAt === undefined) return;
    added.observe((sentAt - this.#startedAt + (now() - cameAt)) / 1000);
    connecting.observe((sentAt - this.#dispatchedAt) / 1000);
    this.#series.upstream.observe((cameAt - sentAt) / 1000);
    this.#cameAt = undefined;
  }
}
