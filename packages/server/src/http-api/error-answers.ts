import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { UPGRADE_HEADERS } from "../data-plane/own-answer.js";
import type { ErrorCode } from "../errors/error-codes.js";
import { statusOf } from "../errors/error-codes.js";
import { errorBody, toVaultProxyError, VaultProxyError } from "../errors/vault-proxy-error.js";
import { describeThrown } from "../redaction/logger.js";
import type { AuditTrail, ControlContext } from "./audit-trail.js";
import type { ControlPlaneLog } from "./control-plane.js";

/** What the framework itself refuses, in our words: its own messages may quote the request. */
const FRAMEWORK_REFUSALS: Readonly<Partial<Record<number, readonly [ErrorCode, string]>>> = {
  400: ["invalid_request", "body: is not valid JSON"],
  413: ["body_too_large", "the body is too large"],
  415: ["unsupported_media_type", "Content-Type must be application/json"],
};

/**
 * The one mapping from anything thrown in the control plane to the error that its caller is shown. A schema's refusal of
 * a request is a `VaultProxyError` already (validation-message.ts); a schema error from elsewhere is our own fault.
 */
export function toAnsweredError(thrown: unknown): VaultProxyError {
  if (thrown instanceof HTTPException) {
    const refusal = FRAMEWORK_REFUSALS[thrown.status];
    if (refusal !== undefined) return new VaultProxyError(...refusal);
  }
  return toVaultProxyError(thrown);
}

export interface ErrorAnswerOptions {
  readonly log: ControlPlaneLog;
  readonly requestIdOf: (c: Context) => string;
  readonly trail: Pick<AuditTrail, "refused">;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** Failures of a server that is called: they are answered and recorded, and no fault of this one. */
const OF_OTHERS = /^(?:upstream|ssh|oauth2)_/;

/** How often it is said that the audit log takes nothing, however many requests that refuses. */
const WARN_EVERY_MS = 60_000;

/** Answers `{"error","code"}` for anything thrown, and records it. What is our fault is logged, without its text. */
export function createErrorAnswer(options: ErrorAnswerOptions): (c: Context, thrown: unknown) => Response {
  let warnedAt = -Infinity;

  /** The fault of a disk, which lasts, and none of the request. */
  const warnOfAudit = (): void => {
    const now = options.clock();
    // A clock that was set back silences nothing.
    if (Math.abs(now - warnedAt) < WARN_EVERY_MS) return;
    warnedAt = now;
    options.log.warn({}, "requests are refused: the audit log cannot be written");
  };

  return function answerError(c, thrown) {
    const error = toAnsweredError(thrown);
    const status = statusOf(error.code);
    options.trail.refused(c as ControlContext, error);
    if (error.code === "audit_unavailable") warnOfAudit();
    else if (status >= 500 && !OF_OTHERS.test(error.code)) {
      options.log.error(
        { request_id: options.requestIdOf(c), error: error.code, ...describeThrown(error.cause ?? error) },
        "request failed",
      );
    }
    if (status === 401) c.header("WWW-Authenticate", "Bearer");
    if (error.code === "upgrade_required") {
      for (const [name, value] of UPGRADE_HEADERS) c.header(name, value);
      c.header("Connection", "upgrade");
    }
    if (error.retryAfterSeconds !== undefined) c.header("Retry-After", String(error.retryAfterSeconds));
    for (const [name, value] of Object.entries(error.headers)) c.header(name, value);
    c.header("X-Vault-Error", error.code);
    return c.json(errorBody(error), status);
  };
}
