import type { ServiceInfo } from "@vault-proxy/client";

export interface ChangedField {
  readonly field: string;
  /** As text; undefined where there is none. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What the server finds out or keeps by itself. */
const NOT_SETTINGS: ReadonlySet<string> = new Set([
  ...["name", "expires_at", "token_status", "warnings", "ssh_connected", "ssh_host_key_fingerprint"],
]);

/** What differs between two descriptions of a service. */
export function changedFields(
  before: Readonly<Partial<ServiceInfo>>,
  after: Readonly<Partial<ServiceInfo>>,
): readonly ChangedField[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...fields].flatMap((field) => {
    if (NOT_SETTINGS.has(field)) return [];
    const [one, other] = [asText(before[field]), asText(after[field])];
    return one === other ? [] : [{ field, before: one, after: other }];
  });
}

/** One line each: `base_url  https://old → https://new`. */
export function changeLines(changes: readonly ChangedField[]): readonly string[] {
  const width = Math.max(0, ...changes.map(({ field }) => field.length));
  return changes.map(
    ({ field, before = "(none)", after = "(none)" }) => `  ${field.padEnd(width)}  ${before} → ${after}`,
  );
}

/** A setting that is off is as good as none. */
function asText(value: unknown): string | undefined {
  if (value === undefined || value === false) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}
