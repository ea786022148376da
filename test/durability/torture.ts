/** The one place that reads `VAULT_TORTURE`: with 1 (`pnpm torture`) every test of its kind runs its long form. */
export const isTorture = process.env.VAULT_TORTURE === "1";

/** What a test takes in its short form, and in its long one. */
export function byForm<T>(short: T, long: T): T {
  return isTorture ? long : short;
}
