/** Where standard output can go, and what is wrong there. */
const REASONS: Readonly<Record<string, string | undefined>> = {
  ENOSPC: "no space left on device",
  EDQUOT: "no space left for this user",
  EFBIG: "the file has become too large",
  EIO: "the device fails",
  EPIPE: "nobody reads it",
};

/** That a result could not be written. @param cause what Node gave */
export function writeFailureText(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason";
  return `cannot write standard output: ${REASONS[code] ?? code}`;
}
