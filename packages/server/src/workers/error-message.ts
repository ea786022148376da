import type { ErrorCode } from "../errors/error-codes.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";

/** An error on its way to another process: what a caller may be told, and no more. The cause stays where it was. */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterSeconds?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export function toErrorMessage(error: VaultProxyError): ErrorMessage {
  const { code, message, retryAfterSeconds, headers } = error;
  return { code, message, headers, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
}

export function fromErrorMessage({ code, message, ...options }: ErrorMessage): VaultProxyError {
  return new VaultProxyError(code, message, options);
}
