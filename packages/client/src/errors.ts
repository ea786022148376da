/**
 * The one error of this client.
 *
 * | `status` | when |
 * |---|---|
 * | 400–599 | the vault answered with an error; `code` is its stable code (`vault_locked`, `unauthorized`, …) |
 * | 0 | no answer of a vault: `connection_failed`, `timeout`, `insecure_address`, `invalid_address`, `invalid_request`, `invalid_answer` |
 *
 * `proxyStream` also throws it for an upstream's 4xx/5xx, with the code `upstream_status` and the answer as `response`.
 * An aborted call rejects with the signal's own reason instead, as `fetch` does, and one whose body is a stream that
 * fails with that stream's error. No message ever holds a token, a password or a body.
 */
export class VaultError extends Error {
  override readonly name = "VaultError";
  /** HTTP status of the answer, or 0 when there was none. */
  readonly status: number;
  /** Stable snake_case code. */
  readonly code: string;
  /** `X-Vault-Request-Id` of the answer: the audit log has it too. */
  readonly requestId: string | undefined;
  /** Seconds after which another attempt may succeed, where the vault says so (`Retry-After`, RFC 9110 §10.2.3). */
  readonly retryAfter: number | undefined;
  /** With `upstream_status`: what the API answered, with the first 64 KB of its body. */
  readonly response: Response | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    details: {
      requestId?: string | undefined;
      retryAfter?: number | undefined;
      cause?: unknown;
      response?: Response;
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.status = status;
    this.code = code;
    this.requestId = details.requestId;
    this.retryAfter = details.retryAfter;
    this.response = details.response;
  }
}

export function invalidRequest(message: string): VaultError {
  return new VaultError(0, "invalid_request", message);
}
