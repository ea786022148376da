import { createRoute, z } from "@hono/zod-openapi";
import type { AuditDetails } from "../audit/audit-action.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { TokenRecord } from "../tokens/token-record.js";
import type { AuditTrail } from "./audit-trail.js";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { ADMIN_ERRORS, BODY_ERRORS, SAVE_ERRORS, errorResponses } from "./error-schema.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";
import { BEARER_SECURITY, jsonAnswer, jsonRequest } from "./route-documentation.js";
import { policiesOf } from "./stored-policies.js";
import { createTokenLister, issuedTokenOf, issuedTokenSchema, listedTokenSchema } from "./token-answers.js";
import { expiryOf } from "./token-lifetime.js";
import { childTokenFields, tokenPolicySchema, tokenScopeSchema } from "./token-request.js";

const tokenRequestSchema = z
  .strictObject({
    scope: tokenScopeSchema.default("proxy"),
    ...childTokenFields,
    policy: tokenPolicySchema.optional(),
  })
  .openapi("TokenRequest");

const idParams = z.strictObject({
  id: z
    .string()
    .max(HTTP_API_LIMITS.tokenIdCharacters)
    .openapi({ description: "The token, or a prefix that only it has; a trailing `...` is accepted." }),
});

export const revokedSchema = z.strictObject({ status: z.literal("revoked") }).openapi("Revoked");

const resumedSchema = z.strictObject({ status: z.literal("active") }).openapi("Resumed");

/** `/tokens`, `/tokens/{id}` and `/tokens/{id}/resume`. */
export function registerTokenRoutes(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
  trail: AuditTrail,
): void {
  const { tokens, log } = parts;

  app.openapi(
    createRoute({
      method: "post",
      path: "/tokens",
      operationId: "createToken",
      tags: ["tokens"],
      summary: "Make a token",
      security: BEARER_SECURITY,
      middleware: access.adminJson,
      request: { body: { ...jsonRequest(tokenRequestSchema), description: "May be left out." } },
      responses: {
        201: jsonAnswer(issuedTokenSchema, "The token: the only time it is shown"),
        ...errorResponses(...ADMIN_ERRORS, ...BODY_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const { scope, name, policy, ...lifetime } = c.req.valid("json");
      const expiresAt = expiryOf(lifetime, parts.clock(), parts.tokenTtlMs);
      if (policy !== undefined && scope !== "proxy") {
        throw new VaultProxyError("invalid_request", `policy: a token of scope ${scope} has none`);
      }
      if (typeof policy === "string" && !policiesOf(parts).records.has(policy)) {
        throw new VaultProxyError("invalid_request", "policy: there is no policy of this name");
      }
      const { id, record } = await tokens.issue({
        ...{ scope, name, expiresAt, issuedBy: c.get("token").digest },
        ...(typeof policy === "string" ? { policy } : { rules: policy }),
      });
      log.info({ token: record.id_prefix, scope, by: c.get("token").id_prefix }, "token issued");
      await trail.changed(c, "token.create", { status: 201 }, tokenDetails(record));
      return c.json(issuedTokenOf(id, record), 201);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/tokens",
      operationId: "listTokens",
      tags: ["tokens"],
      summary: "List the valid tokens, by prefix",
      security: BEARER_SECURITY,
      middleware: access.admin,
      responses: {
        200: jsonAnswer(z.array(listedTokenSchema), "Every valid token, the oldest first"),
        ...errorResponses(...ADMIN_ERRORS),
      },
    }),
    (c) => {
      const listed = tokens.list().sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
      return c.json(listed.map(createTokenLister(listed)), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/tokens/{id}",
      operationId: "revokeToken",
      tags: ["tokens"],
      summary: "Revoke a token, and those that descend from it",
      security: BEARER_SECURITY,
      middleware: access.admin,
      request: { params: idParams },
      responses: {
        200: jsonAnswer(revokedSchema, "The token is not accepted any more"),
        ...errorResponses("invalid_request", "not_found", ...ADMIN_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const { record, descendants } = await tokens.revoke(c.req.valid("param").id);
      log.info({ token: record.id_prefix, by: c.get("token").id_prefix }, "token revoked");
      await trail.changed(c, "token.revoke", { status: 200 }, { ...tokenDetails(record), descendants });
      return c.json({ status: "revoked" as const }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/tokens/{id}/resume",
      operationId: "resumeToken",
      tags: ["tokens"],
      summary: "Lift the suspension of a token",
      security: BEARER_SECURITY,
      middleware: access.admin,
      request: { params: idParams },
      responses: {
        200: jsonAnswer(resumedSchema, "The token is accepted again"),
        ...errorResponses("invalid_request", "not_found", ...ADMIN_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const record = await tokens.resume(c.req.valid("param").id);
      log.info({ token: record.id_prefix, by: c.get("token").id_prefix }, "token resumed");
      await trail.changed(c, "token.resume", { status: 200 }, tokenDetails(record));
      return c.json({ status: "active" as const }, 200);
    },
  );
}

/** What is recorded of a token that something was done to. */
export function tokenDetails(record: TokenRecord): AuditDetails<"token.create"> {
  const { id_prefix: target, name: target_name, scope, policy, expires_at } = record;
  return { target, target_name, scope, policy, expires_at };
}
