const KIB = 1024;
const MIB = 1024 * KIB;

/** A number of bytes for a person: `255 bytes`, `64 KiB`, and where that is not exact both: `1.2 MiB (1,234,567 bytes)`. */
export function sizeText(bytes: number): string {
  const exact = `${bytes.toLocaleString("en-US")} ${bytes === 1 ? "byte" : "bytes"}`;
  if (bytes < KIB) return exact;
  // 1023.96 KiB would be written as 1024.0.
  const [size, unit] = bytes < MIB - KIB / 20 ? [bytes / KIB, "KiB"] : [bytes / MIB, "MiB"];
  return Number.isInteger(size) ? `${size} ${unit}` : `${size.toFixed(1)} ${unit} (${exact})`;
}
