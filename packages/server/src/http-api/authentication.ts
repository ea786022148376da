import type { MiddlewareHandler } from "hono";
import type { AuditRecorder } from "../audit/recorder.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { CALLBACK_PATH } from "../oauth2-flow/redirect-uri.js";
import type { TokenRecord, TokenScope } from "../tokens/token-record.js";
import type { TokenRegistry } from "../tokens/token-registry.js";
import type { Vault } from "../vault/vault.js";
import { readJustification, requireAudit } from "./audit-trail.js";
import type { ControlPlaneEnv } from "./control-plane.js";
import { policyBody } from "./policy-body.js";
import { jsonBody, mergePatchBody } from "./request-body.js";

/** RFC 6750 §2.1, the scheme in any letter case (RFC 9110 §11.1). */
const BEARER = /^bearer +([^ ]+) *$/i;

/** What works on a locked vault. The callback of a login says so in a page. */
const OPEN_WHILE_LOCKED: ReadonlySet<string> = new Set([
  "/health",
  "/openapi.json",
  "/auth/unlock",
  CALLBACK_PATH,
]);

/** Refuses, before any look at the token, all that a locked vault cannot do: unknown paths too. */
export function lockGuard(vault: Pick<Vault, "status">): MiddlewareHandler {
  return async function refuseWhileLocked(c, next) {
    if (!OPEN_WHILE_LOCKED.has(c.req.path)) assertUnlocked(vault);
    await next();
  };
}

/** @throws VaultProxyError `vault_locked` */
export function assertUnlocked(vault: Pick<Vault, "status">): void {
  if (vault.status === "locked") {
    throw new VaultProxyError("vault_locked", "the vault is locked: unlock it first");
  }
}

type Guard = MiddlewareHandler<ControlPlaneEnv>;

/** The middleware of a route by who may use it. It runs before the body is looked at. */
export interface AccessRules {
  /** Any valid token that may use services. */
  readonly any: Guard[];
  /** Such a token's request with a JSON body. */
  readonly anyJson: Guard[];
  /** Any valid token's request that changes something. */
  readonly anyRecorded: Guard[];
  readonly admin: Guard[];
  /** An admin's request with a JSON body. */
  readonly adminJson: Guard[];
  /** An admin's request with a change of something, as JSON. */
  readonly adminMergePatch: Guard[];
  /** An admin's request with a policy as JSON or YAML. */
  readonly adminPolicy: Guard[];
  /** A request with a JSON body by a token of scope proxy. */
  readonly proxyJson: Guard[];
  /** Whoever may read metrics: an admin, or a token that may do nothing else. */
  readonly metrics: Guard[];
  readonly requireAdmin: Guard;
  readonly requireProxy: Guard;
}

export function createAccessRules(
  tokens: Pick<TokenRegistry, "authenticate">,
  recorder: Pick<AuditRecorder, "writable">,
): AccessRules {
  const requireAny = requireToken(tokens, "admin", "proxy");
  const requireAdmin = requireToken(tokens, "admin");
  const requireProxy = requireToken(tokens, "proxy");
  const requireRecord = requireAudit(recorder);
  return {
    any: [requireAny, readJustification],
    anyJson: [requireAny, readJustification, jsonBody, requireAny],
    anyRecorded: [requireAny, readJustification, requireRecord],
    admin: [requireAdmin, readJustification, requireRecord],
    // A body may come slowly: a token revoked meanwhile must not act.
    adminJson: [requireAdmin, readJustification, jsonBody, requireRecord, requireAdmin],
    adminMergePatch: [requireAdmin, readJustification, mergePatchBody, requireRecord, requireAdmin],
    adminPolicy: [requireAdmin, readJustification, policyBody, requireRecord, requireAdmin],
    proxyJson: [requireProxy, readJustification, jsonBody, requireRecord, requireProxy],
    metrics: [requireToken(tokens, "admin", "metrics")],
    ...{ requireAdmin, requireProxy },
  };
}

function requireToken(tokens: Pick<TokenRegistry, "authenticate">, ...scopes: TokenScope[]): Guard {
  return async function requireValidToken(c, next) {
    const record = authenticateBearer(tokens, c.req.header("authorization"));
    // Also of one that is refused: the audit log names it.
    c.set("token", record);
    if (!scopes.includes(record.scope)) {
      throw new VaultProxyError("forbidden", `this needs a token of scope ${scopes.join(" or ")}`);
    }
    await next();
  };
}

/** Whether an `Authorization` header holds the token of an admin. A bad one is no failure here. */
export function isAdmin(
  tokens: Pick<TokenRegistry, "authenticate">,
  authorization: string | undefined,
): boolean {
  if (authorization === undefined) return false;
  try {
    return authenticateBearer(tokens, authorization).scope === "admin";
  } catch {
    return false;
  }
}

/**
 * The token of an `Authorization` header.
 * @throws VaultProxyError `unauthorized`
 */
export function authenticateBearer(
  tokens: Pick<TokenRegistry, "authenticate">,
  authorization: string | undefined,
): TokenRecord {
  const presented = BEARER.exec(authorization ?? "")?.[1];
  if (presented === undefined) {
    throw new VaultProxyError("unauthorized", "a token is required: send Authorization: Bearer <token>");
  }
  const record = tokens.authenticate(presented);
  if (record === undefined) {
    throw new VaultProxyError("unauthorized", "the token is not valid: unknown, expired or revoked");
  }
  return record;
}
