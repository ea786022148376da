import type { ErrorCode } from "../errors/error-codes.js";
import { METRICS_LIMITS, UPSTREAM_BUCKETS } from "./metrics-limits.js";
import { PlainHistogram } from "./plain-histogram.js";

/** How a call came: as a request, as a WebSocket, by SSH, or as one that opens a TCP session. */
export type Plane = "http" | "websocket" | "ssh" | "session";

const PLANES: readonly Plane[] = ["http", "websocket", "ssh", "session"];
const STATUS_CLASSES = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"] as const;
export type StatusClass = (typeof STATUS_CLASSES)[number];

/** No legal names of services, so that they are never taken for one. */
export const OTHER_SERVICES = "_other";
export const NO_SERVICE = "_none";

/** How many calls ended in one way. */
export interface CallCount {
  readonly plane: Plane;
  readonly status: StatusClass;
  /** Of the vault's own refusal or failure; `none` for an answer of the upstream. */
  readonly code: ErrorCode | "none";
  readonly value: number;
}

/** What is counted of one service. Plain fields: a call must cost next to nothing. */
export class ServiceSeries {
  bytesIn = 0;
  bytesOut = 0;
  readonly upstream = new PlainHistogram(UPSTREAM_BUCKETS);
  /** By the code of the failure, or `ok`. */
  readonly refreshes = new Map<ErrorCode | "ok", number>();
  readonly #answered = new Float64Array(PLANES.length * STATUS_CLASSES.length);
  readonly #failed = new Map<string, CallCount>();

  /** @param status HTTP status that the caller got; undefined if it got none */
  ended(plane: Plane, status: number | undefined, code: ErrorCode | undefined): void {
    const statusClass = status === undefined ? 0 : Math.min(5, Math.max(0, Math.floor(status / 100)));
    if (code === undefined) {
      const index = PLANES.indexOf(plane) * STATUS_CLASSES.length + statusClass;
      this.#answered[index] = (this.#answered[index] ?? 0) + 1;
      return;
    }
    const key = `${plane} ${statusClass} ${code}`;
    const known = this.#failed.get(key);
    const name = STATUS_CLASSES[statusClass] ?? "none";
    this.#failed.set(key, { plane, status: name, code, value: (known?.value ?? 0) + 1 });
  }

  refreshed(outcome: ErrorCode | "ok"): void {
    this.refreshes.set(outcome, (this.refreshes.get(outcome) ?? 0) + 1);
  }

  calls(): CallCount[] {
    const answered = PLANES.flatMap((plane, row) =>
      STATUS_CLASSES.map((status, column): CallCount => {
        const value = this.#answered[row * STATUS_CLASSES.length + column] ?? 0;
        return { plane, status, code: "none", value };
      }),
    );
    return [...answered.filter(({ value }) => value > 0), ...this.#failed.values()];
  }
}

/** The series of all services, of a bounded number whatever callers ask for. */
export interface ServiceTable {
  /** Of what a caller names: a service that there is, or none. */
  of(name: string | undefined): ServiceSeries;
  /** By label. */
  entries(): Iterable<readonly [string, ServiceSeries]>;
  /** Forgets the services that are gone. */
  refresh(): void;
}

/** @param hasService whether there is a service of this name; false while that cannot be told */
export function createServiceTable(
  hasService: (name: string) => boolean,
  max: number = METRICS_LIMITS.labelledServices,
): ServiceTable {
  const labelled = new Map<string, ServiceSeries>();
  const others = new ServiceSeries();
  const none = new ServiceSeries();

  return {
    of(name) {
      if (name === undefined) return none;
      const known = labelled.get(name);
      if (known !== undefined) return known;
      if (labelled.size >= max || !hasService(name)) return others;
      const made = new ServiceSeries();
      labelled.set(name, made);
      return made;
    },
    entries: () => [...labelled, [OTHER_SERVICES, others], [NO_SERVICE, none]],
    refresh() {
      for (const name of [...labelled.keys()]) if (!hasService(name)) labelled.delete(name);
    },
  };
}
