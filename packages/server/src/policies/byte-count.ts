const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};
const WHOLE = /^(\d{1,15}(?:\.\d{1,6})?) ?([KMGT]?i?B)$/i;

/**
 * Reads a number of bytes such as `500MB`, `1.5 GB` (powers of 1000, as SI has them) or `2GiB` (powers of 1024, IEC
 * 80000-13), in any letter case; or a plain number.
 *
 * @returns whole bytes, or undefined if it is not such a number
 */
export function parseByteCount(value: number | string): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const match = WHOLE.exec(value);
  const factor = UNITS[match?.[2]?.toUpperCase() ?? ""];
  if (match === null || factor === undefined) return undefined;
  const bytes = Math.floor(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
