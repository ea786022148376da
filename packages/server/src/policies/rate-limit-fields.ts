/** One limit of a token as it stands now. */
export interface Quota {
  readonly name: "requests" | "concurrent" | "uses" | "bytes" | "cooldown";
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
 * A name stands once in each, so of the limits of a token and of those it descends from the one that leaves least.
 *
 * @returns undefined for a token without limits
 */
export function rateLimitFields(quotas: readonly Quota[]): RateLimitFields | undefined {
  if (quotas.length === 0) return undefined;
  const tightest = new Map<Quota["name"], Quota>();
  for (const quota of quotas) {
    const known = tightest.get(quota.name);
    if (known === undefined || isTighter(quota, known)) tightest.set(quota.name, quota);
  }
  return {
    "RateLimit-Policy": [...tightest.values()].map(policyItem).join(", "),
    RateLimit: [...tightest.values()].map(limitItem).join(", "),
  };
}

function isTighter(one: Quota, other: Quota): boolean {
  if (one.remaining !== other.remaining) return one.remaining < other.remaining;
  return (one.resetSeconds ?? 0) > (other.resetSeconds ?? 0);
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
