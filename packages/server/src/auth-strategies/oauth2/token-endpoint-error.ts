import type { ErrorCode } from "../../errors/error-codes.js";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import type { Secret } from "../../redaction/secret.js";

/** Error codes of token endpoints that are told to callers: RFC 6749 §5.2, RFC 8628 §3.5. Any other could be any text. */
const KNOWN_ERRORS: ReadonlySet<string> = new Set([
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "authorization_pending",
  "slow_down",
  "access_denied",
  "expired_token",
  "temporarily_unavailable",
  "server_error",
]);

/** What GitHub and Slack say in place of `invalid_grant`. */
const INVALID_GRANTS: ReadonlySet<string> = new Set([
  "invalid_grant",
  "bad_refresh_token",
  "bad_verification_code",
  "invalid_refresh_token",
  "invalid_code",
  "code_already_used",
  "token_expired",
  "token_revoked",
]);

export interface TokenEndpointErrorOptions {
  /** The provider's `error`, as it came. */
  readonly providerError?: string | undefined;
  /** Whether the same request may do better later. */
  readonly isTemporary?: boolean;
  /** How long the provider asks to wait. */
  readonly retryAfterMs?: number | undefined;
  /** A refresh token that came all the same: the one that was sent may be worth nothing any more. */
  readonly refreshToken?: Secret | undefined;
  readonly cause?: unknown;
}

/** A token endpoint gave no token. The message holds nothing of the provider's text but a registered error code. */
export class TokenEndpointError extends VaultProxyError {
  /** One of the registered codes; undefined if there was none or an unknown one. */
  readonly providerError: string | undefined;
  readonly isTemporary: boolean;
  readonly retryAfterMs: number | undefined;
  readonly refreshToken: Secret | undefined;

  constructor(code: ErrorCode, message: string, options: TokenEndpointErrorOptions = {}) {
    super(code, message, { cause: options.cause });
    this.providerError = options.providerError;
    this.isTemporary = options.isTemporary ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.refreshToken = options.refreshToken;
  }

  withoutRefreshToken(): TokenEndpointError {
    const { code, message, providerError, isTemporary, retryAfterMs, cause } = this;
    return new TokenEndpointError(code, message, { providerError, isTemporary, retryAfterMs, cause });
  }
}

/** The error for a provider's `error` code (RFC 6749 §5.2). */
export function refusedBy(providerError: string, isTemporary: boolean): TokenEndpointError {
  if (INVALID_GRANTS.has(providerError)) return reauthorizationRequired();
  const known = KNOWN_ERRORS.has(providerError) ? providerError : undefined;
  return new TokenEndpointError(
    "oauth2_refresh_failed",
    known === undefined
      ? "the provider refused to give a token"
      : `the provider refused to give a token: ${known}`,
    {
      providerError: known,
      isTemporary: isTemporary || known === "temporarily_unavailable" || known === "server_error",
    },
  );
}

export function reauthorizationRequired(): TokenEndpointError {
  return new TokenEndpointError(
    "oauth2_reauthorization_required",
    "the provider no longer accepts this service's authorization: an admin must authorize it again (vault-cli oauth login)",
    { providerError: "invalid_grant" },
  );
}

/** What went wrong at the provider, or with a key of the service, is no fault of the call's. */
export function asTokenError(thrown: unknown): TokenEndpointError {
  if (thrown instanceof TokenEndpointError) return thrown;
  const message =
    thrown instanceof VaultProxyError && thrown.code !== "internal"
      ? thrown.message
      : "the request for a token could not be made";
  return new TokenEndpointError("oauth2_refresh_failed", message, { cause: thrown });
}
