import { UsageError } from "./failures.js";

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Milliseconds of a duration such as `90s`, `1h30m`, `1.5s`, `7d`; `0` needs no unit. */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
    throw new UsageError(`"${text}" is not a duration`, "write it as 90s, 5m, 1h30m or 7d");
  }
  return parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS],
    0,
  );
}

/**
 * A duration as the server reads it, in Go's syntax, which has neither days nor weeks. The rest stays as it was written,
 * and is the server's to judge.
 */
export function goDuration(text: string): string {
  return text.replace(/(\d+(?:\.\d+)?)([dw])/g, (_, amount: string, unit: "d" | "w") => {
    const hours = (Number(amount) * UNIT_MS[unit]) / UNIT_MS.h;
    return Number.isSafeInteger(hours) ? `${hours}h` : `${Math.round(hours * UNIT_MS.h)}ms`;
  });
}

/**
 * How long a token is to live, as the server reads it.
 * @throws UsageError for what is no duration there either
 */
export function lifetime(text: string): string {
  if (text !== "0" && !/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h|d|w))+$/.test(text)) {
    throw new UsageError(`"${text}" is not a duration`, "write it as 90s, 24h, 1h30m or 7d");
  }
  return goDuration(text);
}

/** @throws UsageError for what is no time of RFC 3339, section 5.6 */
export function pointInTime(text: string): string {
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i.test(text);
  if (!isTime || Number.isNaN(Date.parse(text))) {
    throw new UsageError(`"${text}" is not a time`, "write it as 2030-01-31T12:00:00Z, or give --ttl");
  }
  return text;
}
