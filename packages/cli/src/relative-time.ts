const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `in 3 h`, `5 min ago`: for a table on a terminal, where it is read once. What is no time stays as it is. */
export function relativeTime(time: string, nowMs: number): string {
  const distance = Date.parse(time) - nowMs;
  if (Number.isNaN(distance)) return time;
  const size = Math.abs(distance);
  if (size < MINUTE_MS) return distance < 0 ? "just now" : "within 1 min";
  const amount = spanText(size);
  return distance < 0 ? `${amount} ago` : `in ${amount}`;
}

/**
 * `8 h`, `15 min`: a span of time as a person says it. Whole units only, rounded to the nearest, and the
 * largest that leaves two of them or more: of eight hours that were given a moment ago, `8 h` are left.
 */
export function spanText(ms: number): string {
  const minutes = Math.round(ms / MINUTE_MS);
  if (minutes < 1) return "less than 1 min";
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(ms / HOUR_MS);
  return hours < 48 ? `${hours} h` : `${Math.round(ms / DAY_MS)} days`;
}
