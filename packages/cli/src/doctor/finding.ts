/** What one check of `doctor` came to. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  /** A sentence for a person. */
  readonly message: string;
  /** The command that mends it, or what to do. */
  readonly mend?: string;
}

export function ok(check: string, message: string): Finding {
  return { check, status: "ok", message };
}

export function warn(check: string, message: string, mend?: string): Finding {
  return { check, status: "warn", message, ...(mend === undefined ? {} : { mend }) };
}

export function fail(check: string, message: string, mend?: string): Finding {
  return { check, status: "fail", message, ...(mend === undefined ? {} : { mend }) };
}
