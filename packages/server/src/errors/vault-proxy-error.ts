import type { ErrorCode } from "./error-codes.js";

export interface VaultProxyErrorOptions {
  /** What went wrong underneath. It stays inside: neither shown to a caller nor logged as text. */
  readonly cause?: unknown;
  /** Whole seconds after which the caller may try again; sent as `Retry-After` (RFC 9110 §10.2.3). */
  readonly retryAfterSeconds?: number;
  /** Further fields of the answer; safe to show to anyone. */
  readonly headers?: Readonly<Record<string, string>>;
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

/**
 * The one error class that may reach a caller. `message` is a sentence for a person and must be safe to show to
 * anyone: no secret, no token, no text of an upstream or of a library's error.
 */
export class VaultProxyError extends Error {
  override readonly name = "VaultProxyError";
  readonly code: ErrorCode;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, options: VaultProxyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers ?? NO_HEADERS;
  }
}

/** What a caller is told of any thrown value: a {@link VaultProxyError} as it is, all else as `internal`. */
export function toVaultProxyError(thrown: unknown): VaultProxyError {
  if (thrown instanceof VaultProxyError) return thrown;
  return new VaultProxyError("internal", "internal error", { cause: thrown });
}

/** The JSON body of every error answer. */
export interface ErrorBody {
  readonly error: string;
  readonly code: ErrorCode;
}

export function errorBody(error: VaultProxyError): ErrorBody {
  return { error: error.message, code: error.code };
}
