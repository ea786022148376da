import type { Context, MiddlewareHandler } from "hono";
import type { AuditAction, AuditDetails } from "../audit/audit-action.js";
import type { AuditFacts } from "../audit/audit-entry.js";
import type { AuditPage, AuditQuery } from "../audit/audit-query.js";
import { justificationOf } from "../audit/justification.js";
import type { AuditRecorder } from "../audit/recorder.js";
import { statusOf } from "../errors/error-codes.js";
import type { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { ControlPlaneEnv } from "./control-plane.js";

export type ControlContext = Context<ControlPlaneEnv>;

/** What of the audit log the control plane needs. */
export interface ControlPlaneAudit {
  readonly recorder: AuditRecorder;
  /** A right unlock. Resolves when it is recorded; never rejects. */
  recordUnlock(facts: AuditFacts, details: AuditDetails<"unlock">): Promise<void>;
  /** The vault is about to be locked by this. Never rejects. */
  announceLock(facts: AuditFacts, details: AuditDetails<"lock">): void;
  /** @throws {VaultProxyError} `not_found` where the log is off, `storage_failed` */
  query(query: AuditQuery): Promise<AuditPage>;
  /** The password was changed. Never rejects. */
  renewKey(): Promise<void>;
}

/** What an entry says of a request besides who sent it. */
export type Outcome = Pick<AuditFacts, "service" | "rule" | "bytes_in" | "bytes_out"> & {
  readonly status: number;
};

/** Records what is done and refused in the control plane. */
export interface AuditTrail {
  /** The facts that all entries of a request have. */
  factsOf(c: ControlContext, outcome: Outcome): AuditFacts;
  /** Records what an admin changed or was given: to be awaited before it is answered. @throws `audit_unavailable` */
  changed<A extends AuditAction>(
    c: ControlContext,
    action: A,
    outcome: Outcome,
    details?: AuditDetails<A>,
  ): Promise<void>;
  /** Records a refusal under its own action, so that it is none of a `request` any more. Never throws. */
  denied<A extends AuditAction>(
    c: ControlContext,
    action: A,
    error: VaultProxyError,
    details?: AuditDetails<A>,
  ): void;
  /** Records a refused request of which nothing else was recorded. Never throws. */
  refused(c: ControlContext, error: VaultProxyError): void;
}

export interface AuditTrailParts {
  readonly recorder: AuditRecorder;
  readonly requestIdOf: (c: Context) => string;
  readonly clientOf: (c: Context) => string;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export function createAuditTrail(parts: AuditTrailParts): AuditTrail {
  const { recorder } = parts;

  const factsOf = (c: ControlContext, outcome: Outcome): AuditFacts => {
    const token = c.get("token");
    const startedAt = c.get("startedAt");
    return {
      request_id: parts.requestIdOf(c),
      token: token?.id_prefix,
      token_name: token?.name,
      method: c.req.method,
      path: withoutTokenId(c.req.path),
      decision: "allow",
      ms: startedAt === undefined ? undefined : parts.clock() - startedAt,
      client: parts.clientOf(c),
      justification: c.get("justification"),
      ...outcome,
    };
  };
  const denialOf = (c: ControlContext, { code }: VaultProxyError): AuditFacts => ({
    ...factsOf(c, { status: statusOf(code) }),
    decision: "deny",
    code,
  });

  return {
    factsOf,
    async changed(c, action, outcome, details) {
      c.set("isRecorded", true);
      await recorder.flushed(action, factsOf(c, outcome), details);
    },
    denied(c, action, error, details) {
      c.set("isRecorded", true);
      recorder.record(action, denialOf(c, error), details);
    },
    refused(c, error) {
      if (c.get("isRecorded") !== true) recorder.record("request", denialOf(c, error));
    },
  };
}

/** The path of one token names it. */
function withoutTokenId(path: string): string {
  return path.replace(/^\/tokens\/(?!self(?:\/|$))[^/]*/, "/tokens/***");
}

/** Notes when a request began. */
export function noteStart(clock: () => number): MiddlewareHandler<ControlPlaneEnv> {
  return async function keepStart(c, next) {
    c.set("startedAt", clock());
    await next();
  };
}

/** Reads what a request is for. Runs once its token is known. @throws VaultProxyError `invalid_request` */
export const readJustification: MiddlewareHandler<ControlPlaneEnv> = async (c, next) => {
  const justification = justificationOf(c.req.header());
  if (justification !== undefined) c.set("justification", justification);
  await next();
};

/** A vault that cannot be locked would be worse than a lock that is recorded late. */
const DONE_UNRECORDED: ReadonlySet<string> = new Set(["/auth/lock"]);

/** Lets no admin change anything while it could not be recorded. @throws VaultProxyError `audit_unavailable` */
export function requireAudit(recorder: Pick<AuditRecorder, "writable">): MiddlewareHandler<ControlPlaneEnv> {
  return async function refuseUnrecorded(c, next) {
    const changes = c.req.method !== "GET" && c.req.method !== "HEAD";
    if (changes && !DONE_UNRECORDED.has(c.req.path)) await recorder.writable();
    await next();
  };
}
