import type { PresetTest } from "../presets/preset.js";
import type { CheckOutcome } from "./check-outcome.js";

/** An answer of the API, as far as the expectation looks at it. */
export interface ApiAnswer {
  readonly status: number;
  /** Its body where that is JSON and the expectation looks at it. */
  readonly body: unknown;
}

/**
 * What an answer to a preset's test call means. Nothing of the answer but its status is repeated.
 * @param change the command that gives the service another credential
 */
export function verdict(title: string, test: PresetTest, answer: ApiAnswer, change: string): CheckOutcome {
  const { status } = answer;
  const meaning = meets(test.expect, answer)
    ? { ok: true, message: `ok (HTTP ${status}): ${title} takes the credential` }
    : { ok: false, ...shortfall(title, test, status, change) };
  const error = meaning.ok ? {} : { error: meaning.message };
  return { ...meaning, data: { ok: meaning.ok, status, ...error } };
}

/** @param change the command that gives the service another credential */
export function otherCredential(change: string): string {
  return `it may be mistyped, revoked, or of another account; \`${change}\` replaces it`;
}

const ELSEWHERE = "the base URL or the tenant may be wrong";

function shortfall(
  title: string,
  { method, path, expect }: PresetTest,
  status: number,
  change: string,
): Pick<CheckOutcome, "message" | "hint" | "isWrongCredential"> {
  const wrongCredential = { hint: otherCredential(change), isWrongCredential: true } as const;
  if (status === expect.status) {
    return { message: `${title} answered as it does to a wrong credential`, ...wrongCredential };
  }
  if (status === 401 || status === 407) {
    return { message: `${title} refused the credential (HTTP ${status})`, ...wrongCredential };
  }
  if (status === 403) {
    return {
      message: `${title} refused this call (HTTP 403)`,
      hint: `the credential is wrong, or restricted: without the right to ${method} ${path} it may still do other calls`,
    };
  }
  if (status === 402 || status === 429) {
    const what = status === 402 ? "wants to be paid (HTTP 402)" : "had too many calls (HTTP 429)";
    return { message: `${title} ${what}`, hint: "the credential is likely right: see the account's limits" };
  }
  if (status >= 500) return { message: `${title} failed (HTTP ${status})`, hint: "try again later" };
  if (status >= 300 && status < 400) {
    return { message: `${title} sent the call elsewhere (HTTP ${status})`, hint: ELSEWHERE };
  }
  if (status === 404) return { message: `nothing is there (HTTP 404)`, hint: ELSEWHERE };
  return {
    message: `${title} answered HTTP ${status}, not ${expect.status}`,
    hint: "some APIs answer so to a wrong credential",
  };
}

function meets({ status, json, json_present: present }: PresetTest["expect"], answer: ApiAnswer): boolean {
  return (
    answer.status === status &&
    Object.entries(json ?? {}).every(([path, value]) => valueAt(answer.body, path) === value) &&
    (present ?? []).every((path) => (valueAt(answer.body, path) ?? null) !== null)
  );
}

/** Of a dotted path. */
function valueAt(body: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((value, name) => {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    return (value as Readonly<Record<string, unknown>>)[name];
  }, body);
}
