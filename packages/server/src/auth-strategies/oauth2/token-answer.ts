import { z } from "@hono/zod-openapi";
import type { BoundedAnswer } from "../../network/bounded-request.js";
import { Secret } from "../../redaction/secret.js";
import type { IssuedToken } from "../issued-token.js";
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

/** RFC 6749 §5.1; `authed_user` is Slack's, `expires_at` Square's. */
const successSchema = z.object({
  access_token: sentToken,
  token_type: z.string().optional().catch(undefined),
  // Longer ones than any provider gives: one that is not kept would be lost for good.
  refresh_token: z.string().min(1).max(131_072).optional().catch(undefined),
  expires_in: z.union([z.number(), z.string()]).optional().catch(undefined),
  expires_at: z.union([z.number(), z.string()]).optional().catch(undefined),
});

const nestedSchema = z.object({ authed_user: z.looseObject({ access_token: sentToken }) });
const errorSchema = z.object({ error: z.string().min(1) });

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
  if (error.success) throw withRetryAfter(refusedBy(error.data.error, isTemporary), answer);
  if (answer.status < 200 || answer.status > 299) {
    throw withRetryAfter(unusable(`the provider answered with status ${answer.status}`, isTemporary), answer);
  }
  const nested = nestedSchema.safeParse(fields);
  const success = successSchema.safeParse(fields);
  const token = success.success
    ? success.data
    : nested.success
      ? successSchema.parse(nested.data.authed_user)
      : undefined;
  if (token === undefined) throw unusable("the provider's answer holds no access token", true);
  if (UNSUPPORTED_TOKEN_TYPES.has(token.token_type?.toLowerCase() ?? "")) {
    throw unusable("the provider gives tokens of a type that is not supported", false);
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

function unusable(message: string, isTemporary: boolean): TokenEndpointError {
  return new TokenEndpointError("oauth2_refresh_failed", message, { isTemporary });
}

function withRetryAfter(error: TokenEndpointError, answer: BoundedAnswer): TokenEndpointError {
  const seconds = Number(answer.headers.get("retry-after"));
  if (!(seconds > 0)) return error;
  return new TokenEndpointError(error.code, error.message, {
    providerError: error.providerError,
    isTemporary: error.isTemporary,
    retryAfterMs: Math.min(seconds, LIMITS.longestRetryAfter) * 1000,
  });
}

/** The body as an object, whatever its Content-Type says; undefined if it is neither JSON nor a form. */
function parseFields({ headers, body }: BoundedAnswer): unknown {
  const text = body.toString("utf8");
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers.get("content-type") ?? "");
    return isForm ? Object.fromEntries(new URLSearchParams(text)) : undefined;
  }
}

/** Seconds; undefined for what is no lifetime. Mailchimp says 0 of tokens that never expire. */
function lifetimeOf(expiresIn: number | string | undefined): number | undefined {
  const seconds = typeof expiresIn === "string" ? Number.parseFloat(expiresIn) : (expiresIn ?? Number.NaN);
  if (!Number.isFinite(seconds) || seconds < 1) return undefined;
  return Math.min(Math.floor(seconds), LIMITS.longestLifetime);
}

function secondsUntil(expiresAt: number | string | undefined, now: number): number | undefined {
  if (expiresAt === undefined) return undefined;
  return lifetimeOf((typeof expiresAt === "string" ? Date.parse(expiresAt) / 1000 : expiresAt) - now);
}
