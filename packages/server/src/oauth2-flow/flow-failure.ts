import { STATUS_OF_ERROR_CODE, type ErrorCode } from "../errors/error-codes.js";
import { toVaultProxyError } from "../errors/vault-proxy-error.js";

/** How a login can end beside the error codes that any answer may have. docs/oauth2.md explains them. */
const OWN_FAILURE_CODES = [
  "access_denied",
  "provider_error",
  "issuer_mismatch",
  "no_refresh_token",
  "expired",
  "superseded",
  "cancelled",
] as const;

export type FlowFailureCode = (typeof OWN_FAILURE_CODES)[number] | ErrorCode;

export const FLOW_FAILURE_CODES: readonly [FlowFailureCode, ...FlowFailureCode[]] = [
  ...OWN_FAILURE_CODES,
  ...(Object.keys(STATUS_OF_ERROR_CODE) as ErrorCode[]),
];

export interface FlowFailure {
  readonly code: FlowFailureCode;
  /** A sentence for a person. Holds no secret and nothing of a provider's text. */
  readonly error: string;
}

/** A login that cannot go on. */
export class FlowError extends Error implements FlowFailure {
  override readonly name = "FlowError";
  readonly code: FlowFailureCode;

  constructor(code: FlowFailureCode, message: string) {
    super(message);
    this.code = code;
  }

  get error(): string {
    return this.message;
  }
}

export function toFlowFailure(thrown: unknown): FlowFailure {
  if (thrown instanceof FlowError) return { code: thrown.code, error: thrown.message };
  const { code, message } = toVaultProxyError(thrown);
  // During a login there is no authorization yet that could be renewed: what was refused is the code.
  if (code === "oauth2_reauthorization_required") {
    return {
      code: "oauth2_refresh_failed",
      error: "the provider did not accept the code it gave: start again",
    };
  }
  return { code, error: message };
}
