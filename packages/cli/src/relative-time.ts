const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `in 3 h`, `5 min ago`: for a table on a terminal, where it is read once. What is no time stays as it is. */
export function relativeTime(time: string, nowMs: number): string {
  const distance = Date.parse(time) - nowMs;
  if (Number.isNaN(distance)) return time;
  const size = Math.abs(distance);
  if (size < MINUTE_MS) return distance < 0 ? "just now" : "within 1 min";
  const amount = sizeText(size);
  return distance < 0 ? `${amount} ago` : `in ${amount}`;
}

/** Whole units only, the largest that leaves two of them or more; rounded down, so that nothing is said to last longer than it does. */
function sizeText(ms: number): string {
  if (ms >= 2 * DAY_MS) return `${Math.floor(ms / DAY_MS)} days`;
  if (ms >= 2 * HOUR_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / MINUTE_MS)} min`;
}
