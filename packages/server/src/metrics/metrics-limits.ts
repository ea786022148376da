/** What bounds the size of `GET /metrics`, and what its histograms tell apart. */
export const METRICS_LIMITS = {
  /** Services with series of their own; those that are called first have them, the others share one. */
  labelledServices: 500,
  /** How often the event loop is asked how late it is: one blocked for longer is always seen. */
  lagIntervalMs: 20,
  /** How far back `GET /health` looks for the highest lag: between once and twice this long. */
  lagWindowMs: 30_000,
} as const;

/** Upper bounds in seconds. Language models think for minutes. */
export const UPSTREAM_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
] as const;

/** Upper bounds in seconds: what the vault adds is below a millisecond, unless a connection or a token is made. */
export const ADDED_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 10,
] as const;

export const LAG_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const;

export const SAVE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
