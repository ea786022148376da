/**
 * What a token may do: `admin` everything; `proxy` calls through the vault, listing of services, health; `metrics` nothing
 * but `GET /metrics` and `GET /health`.
 */
export type TokenScope = "admin" | "proxy" | "metrics";

/** What the vault keeps of a token. The token itself is shown once and never stored. */
export interface TokenRecord {
  /** SHA-256 of the whole token, hexadecimal; also the record's key. */
  readonly digest: string;
  /** The first characters of the token, enough for a person to tell tokens apart (`tok_` and 8 more of 43). */
  readonly id_prefix: string;
  readonly scope: TokenScope;
  readonly name?: string;
  /** RFC 3339, UTC. */
  readonly created_at: string;
  /** RFC 3339, UTC. */
  readonly expires_at: string;
  /** Milliseconds that it may be left unused before it is refused for good; unlimited without it. */
  readonly idle_timeout_ms?: number;
  /** RFC 3339, UTC: since when the token is refused until an admin lifts it. */
  readonly suspended_at?: string;
  /** Name of the stored policy that says what it may do. Without it, and without `rules`, it may use every service. */
  readonly policy?: string;
  /** A policy of its own, as `policies/policy-schema.ts` has it. Not together with `policy`. */
  readonly rules?: object;
  /** Digest of the token that made this one, and whose policy and limits hold for it too. */
  readonly parent?: string;
}
