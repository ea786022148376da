/**
 * Every stable error code that a caller can meet, with its HTTP status (RFC 9110 §15; 423 and 507 are RFC 4918 §11).
 * docs/errors.md explains each one; a test keeps the two lists equal.
 */
export const STATUS_OF_ERROR_CODE = {
  invalid_request: 400,
  unauthorized: 401,
  forbidden: 403,
  policy_denied: 403,
  token_suspended: 403,
  destination_blocked: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  secret_in_request: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  expectation_failed: 417,
  vault_locked: 423,
  upgrade_required: 426,
  rate_limited: 429,
  locked_out: 429,
  headers_too_large: 431,
  internal: 500,
  storage_failed: 500,
  not_implemented: 501,
  upstream_failed: 502,
  upstream_login_failed: 502,
  ssh_host_key_mismatch: 502,
  oauth2_reauthorization_required: 502,
  oauth2_refresh_failed: 502,
  audit_unavailable: 503,
  unavailable: 503,
  upstream_timeout: 504,
  storage_full: 507,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof STATUS_OF_ERROR_CODE;
export type ErrorStatus = (typeof STATUS_OF_ERROR_CODE)[ErrorCode];

/** The one mapping from a stable code to an HTTP status. */
export function statusOf(code: ErrorCode): ErrorStatus {
  return STATUS_OF_ERROR_CODE[code];
}
