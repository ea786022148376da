import { z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import type { AuditAction, AuditDetails } from "../audit/audit-action.js";
import type { AuditFacts } from "../audit/audit-entry.js";
import { ENTRY_LIMITS } from "../audit/audit-limits.js";
import { justificationOf } from "../audit/justification.js";
import type { AuditRecorder } from "../audit/recorder.js";
import { statusOf } from "../errors/error-codes.js";
import type { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { ControlPlaneEnv } from "./control-plane.js";

export type ControlContext = Context<ControlPlaneEnv>;

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
}

export function createAuditTrail(parts: AuditTrailParts): AuditTrail {
  const { recorder } = parts;

  const factsOf = (c: ControlContext, outcome: Outcome): AuditFacts => {
    const { token, startedAt, justification } = variablesOf(c);
    return {
      request_id: parts.requestIdOf(c),
      token: token?.id_prefix,
      token_name: token?.name,
      method: c.req.method,
      path: withoutTokenId(c.req.path),
      decision: "allow",
      ms: startedAt === undefined ? undefined : Math.round(performance.now() - startedAt),
      client: parts.clientOf(c),
      justification,
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
      if (!c.get("isRecorded")) recorder.record("request", denialOf(c, error));
    },
  };
}

/** A request may be refused before any of them is set. */
function variablesOf(c: ControlContext): Partial<ControlPlaneEnv["Variables"]> {
  return c.var;
}

/** The path of one token names it. */
function withoutTokenId(path: string): string {
  return path.replace(/^\/tokens\/(?!self(?:\/|$))[^/]*/, "/tokens/***");
}

/** Notes when a request began; not by the time of day, which may be set meanwhile. */
export const noteStart: MiddlewareHandler<ControlPlaneEnv> = async (c, next) => {
  c.set("startedAt", performance.now());
  await next();
};

/** Reads what a request is for. Runs once its token is known. @throws VaultProxyError `invalid_request` */
export const readJustification: MiddlewareHandler<ControlPlaneEnv> = async (c, next) => {
  const justification = justificationOf(c.req.header());
  if (justification !== undefined) c.set("justification", justification);
  await next();
};

/** In bodies that have it beside the header: it comes first. */
export const justificationField = z
  .string()
  .refine(
    (text) => Array.from(text).length <= ENTRY_LIMITS.justification,
    `must have at most ${ENTRY_LIMITS.justification} characters`,
  )
  .optional()
  .openapi({ description: "What it is for, kept in the audit log. `X-Vault-Justification` does as well." });

/** Lets what a body says stand before the header's. */
export function setJustification(c: ControlContext, justification: string | undefined): void {
  if (justification !== undefined) c.set("justification", justification);
}

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
