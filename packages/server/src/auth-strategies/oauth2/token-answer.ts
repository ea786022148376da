import { z } from "@hono/zod-openapi";
import type { BoundedAnswer } from "../../network/bounded-request.js";
import { Secret } from "../../redaction/secret.js";
import type { IssuedToken } from "../issued-token.js";
import { MAX_REFRESH_TOKEN_LENGTH } from "../secret-text.js";
import { refusedBy, TokenEndpointError } from "./token-endpoint-error.js";

/** In seconds. */
const LIMITS = {
  /** Where the provider does not say how long the token lives. */
  assumedLifetime: 3600,
  longestLifetime: 10 * 365 * 86_400,
  longestRetryAfter: 300,
} as const;

/** What `Authorization: Bearer` can carry (RFC 6750 §2.1 is narrower than what providers give). */
const sentToken = z
  .string()
  .max(16_384)
  .regex(/^[\x21-\x7e]+$/);

/** Longer ones than any provider gives: one that is not kept would be lost for good. */
const refreshToken = z.string().min(1).max(MAX_REFRESH_TOKEN_LENGTH);

/** RFC 6749 §5.1; `authed_user` is Slack's, `expires_at` Square's. */
const successSchema = z.object({
  access_token: sentToken,
  token_type: z.string().optional().catch(undefined),
  refresh_token: refreshToken.optional().catch(undefined),
  expires_in: z.union([z.number(), z.string()]).optional().catch(undefined),
  expires_at: z.union([z.number(), z.string()]).optional().catch(undefined),
});

const nestedSchema = z.object({ authed_user: z.looseObject({ access_token: sentToken }) });
/** What is left of an answer whose access token cannot be used. */
const remainderSchema = z.object({
  refresh_token: refreshToken.optional().catch(undefined),
  authed_user: z.object({ refresh_token: refreshToken }).optional().catch(undefined),
});
const errorSchema = z.object({ error: z.string().min(1) });

/** An `expires_at` from here on is in milliseconds: as seconds it would be tens of thousands of years away. */
const FIRST_MILLISECONDS = 1e12;

/** Schemes that want more than the token with each call (RFC 9449). */
const UNSUPPORTED_TOKEN_TYPES: ReadonlySet<string> = new Set(["dpop", "mac", "pop"]);

/**
 * Reads the answer of a token endpoint (RFC 6749 §5). Some providers send errors with status 200, some leave out
 * `token_type` or `expires_in`, or send numbers as strings.
 *
 * @param now unix seconds
 * @throws TokenEndpointError
 */
export function parseTokenAnswer(answer: BoundedAnswer, now: number): IssuedToken {
  const isTemporary = answer.status >= 500 || answer.status === 429 || answer.status === 408;
  const fields = parseFields(answer);
  const error = errorSchema.safeParse(fields);
  if (error.success) throw withRetryAfter(refusedBy(error.data.error, isTemporary), answer, now);
  if (answer.status < 200 || answer.status > 299) {
    const refused = new TokenEndpointError(
      "oauth2_refresh_failed",
      `the provider answered with status ${answer.status}`,
      { isTemporary },
    );
    throw withRetryAfter(refused, answer, now);
  }
  const nested = nestedSchema.safeParse(fields);
  const success = successSchema.safeParse(fields);
  const token = success.success
    ? success.data
    : nested.success
      ? successSchema.parse(nested.data.authed_user)
      : undefined;
  if (token === undefined) throw unusable("the provider's answer holds no access token", fields);
  if (UNSUPPORTED_TOKEN_TYPES.has(token.token_type?.toLowerCase() ?? "")) {
    throw unusable("the provider gives tokens of a type that is not supported", fields);
  }
  const lifetime = lifetimeOf(token.expires_in) ?? secondsUntil(token.expires_at, now);
  return {
    accessToken: new Secret(token.access_token),
    refreshToken: token.refresh_token === undefined ? undefined : new Secret(token.refresh_token),
    issuedAt: now,
    expiresAt: now + (lifetime ?? LIMITS.assumedLifetime),
    hasLifetime: lifetime !== undefined,
  };
}

/** The provider did its part: to send the same again could give away a refresh token that was used (RFC 9700 §4.14). */
function unusable(message: string, fields: unknown): TokenEndpointError {
  const { data } = remainderSchema.safeParse(fields);
  const kept = data?.refresh_token ?? data?.authed_user?.refresh_token;
  return new TokenEndpointError("oauth2_refresh_failed", message, {
    refreshToken: kept === undefined ? undefined : new Secret(kept),
  });
}

function withRetryAfter(error: TokenEndpointError, answer: BoundedAnswer, now: number): TokenEndpointError {
  const seconds = retryAfterOf(answer.headers.get("retry-after") ?? "", now);
  if (!(seconds > 0)) return error;
  return new TokenEndpointError(error.code, error.message, {
    providerError: error.providerError,
    isTemporary: error.isTemporary,
    retryAfterMs: Math.min(seconds, LIMITS.longestRetryAfter) * 1000,
  });
}

/** Seconds (RFC 9110 §10.2.3); NaN for what is neither a number nor a date (§5.6.7, which is always in GMT). */
function retryAfterOf(value: string, now: number): number {
  if (/^\d+$/.test(value)) return Number(value);
  if (!/^[A-Z][a-z]{2,8},? /.test(value)) return Number.NaN;
  return Date.parse(value.endsWith(" GMT") ? value : `${value} GMT`) / 1000 - now;
}

/** The body as an object, whatever its Content-Type says; undefined if it is neither JSON nor a form. */
function parseFields({ headers, body }: BoundedAnswer): unknown {
  // Unlike toString it leaves a byte order mark out.
  const text = new TextDecoder().decode(body);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers.get("content-type") ?? "");
    return isForm ? Object.fromEntries(new URLSearchParams(text)) : undefined;
  }
}

/** Seconds; undefined for what is no lifetime. Mailchimp says 0 of tokens that never expire. */
function lifetimeOf(expiresIn: number | string | undefined): number | undefined {
  const seconds = typeof expiresIn === "string" ? wholeNumber(expiresIn) : (expiresIn ?? Number.NaN);
  if (!Number.isFinite(seconds) || seconds < 1) return undefined;
  return Math.min(Math.floor(seconds), LIMITS.longestLifetime);
}

function secondsUntil(expiresAt: number | string | undefined, now: number): number | undefined {
  if (expiresAt === undefined) return undefined;
  const number = typeof expiresAt === "string" ? wholeNumber(expiresAt) : expiresAt;
  const isDate = typeof expiresAt === "string" && Number.isNaN(number);
  const time = isDate ? Date.parse(expiresAt) : number;
  return lifetimeOf((isDate || time >= FIRST_MILLISECONDS ? time / 1000 : time) - now);
}

/** NaN for any other text: a part of it would mean something else ("1,000"). */
function wholeNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}
