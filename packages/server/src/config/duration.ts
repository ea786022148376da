const UNIT_MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const TERM = "(\\d+(?:\\.\\d*)?|\\.\\d+)(ns|us|µs|μs|ms|s|m|h)";
const WHOLE = new RegExp(`^(?:${TERM})+$`, "u");
const EACH_TERM = new RegExp(TERM, "gu");
const MAX_LENGTH = 64;

/**
 * Reads a duration as Go's `time.ParseDuration` writes it (`90s`, `1h30m`, `250ms`, `0`), without a sign.
 * @returns milliseconds, or undefined if the text is not such a duration.
 */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (text.length > MAX_LENGTH || !WHOLE.test(text)) return undefined;
  let milliseconds = 0;
  for (const [, amount, unit] of text.matchAll(EACH_TERM)) {
    milliseconds += Number(amount) * (UNIT_MILLISECONDS[unit ?? ""] ?? Number.NaN);
  }
  return milliseconds;
}

/** A duration of at least a millisecond as {@link parseDuration} reads it, such as `15m` or `1h30m`. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.ceil(milliseconds);
  let text = "";
  for (const unit of ["h", "m", "s", "ms"]) {
    const size = UNIT_MILLISECONDS[unit] ?? 1;
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) text += `${amount}${unit}`;
  }
  return text;
}
