/** One limit of a token as it stands now. */
export interface Quota {
  readonly name: "requests" | "concurrent" | "uses" | "bytes";
  readonly limit: number;
  readonly remaining: number;
  /** Seconds of the span that the limit is for, if it is for one. */
  readonly windowSeconds?: number;
  /** Seconds until some of it comes back, if time alone brings it back. */
  readonly resetSeconds?: number;
}

export interface RateLimitFields {
  readonly "RateLimit-Policy": string;
  readonly RateLimit: string;
}

/** Quota units as the draft registers them; without one, a quota counts requests. */
const UNITS: Readonly<Partial<Record<Quota["name"], string>>> = {
  concurrent: "concurrent-requests",
  bytes: "content-bytes",
};

/**
 * The header fields of draft-ietf-httpapi-ratelimit-headers-10 (§3, §4): lists of strings with parameters (RFC 9651).
 *
 * @returns undefined for a token without limits
 */
export function rateLimitFields(quotas: readonly Quota[]): RateLimitFields | undefined {
  if (quotas.length === 0) return undefined;
  return {
    "RateLimit-Policy": quotas.map(policyItem).join(", "),
    RateLimit: quotas.map(limitItem).join(", "),
  };
}

function policyItem({ name, limit, windowSeconds }: Quota): string {
  const unit = UNITS[name];
  return [
    `"${name}";q=${String(limit)}`,
    ...(unit === undefined ? [] : [`qu="${unit}"`]),
    ...(windowSeconds === undefined ? [] : [`w=${String(windowSeconds)}`]),
  ].join(";");
}

function limitItem({ name, remaining, resetSeconds }: Quota): string {
  const reset = resetSeconds === undefined ? "" : `;t=${String(resetSeconds)}`;
  return `"${name}";r=${String(remaining)}${reset}`;
}
