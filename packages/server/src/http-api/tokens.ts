import { createRoute, z } from "@hono/zod-openapi";
import type { ListedToken } from "../tokens/token-registry.js";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { ADMIN_ERRORS, BODY_ERRORS, SAVE_ERRORS, errorResponses } from "./error-schema.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";
import { BEARER_SECURITY, jsonAnswer, jsonRequest } from "./route-documentation.js";
import { expiryOf } from "./token-lifetime.js";

const scopeSchema = z.enum(["admin", "proxy"]);

const tokenRequestSchema = z
  .strictObject({
    scope: scopeSchema.default("proxy"),
    name: z
      .string()
      .min(1)
      .max(HTTP_API_LIMITS.tokenNameCharacters)
      .refine((name) => !/\p{Cc}/u.test(name) && name.isWellFormed(), "must not hold control characters")
      .optional(),
    ttl: z
      .string()
      .optional()
      .openapi({ description: "A duration above 0; the server's default without it.", example: "24h" }),
    expires_at: z.iso
      .datetime({ offset: true, error: "must be an RFC 3339 time such as 2030-01-02T15:04:05Z" })
      .optional()
      .openapi({ description: "In the place of `ttl`." }),
  })
  .openapi("TokenRequest");

const issuedTokenSchema = z
  .strictObject({
    id: z.string().openapi({ description: "The token: the only time it is shown." }),
    scope: scopeSchema,
    name: z.string().optional(),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
  })
  .openapi("IssuedToken");

const listedTokenSchema = z
  .strictObject({
    id_prefix: z.string().openapi({ example: "tok_AbCdEfGh..." }),
    scope: scopeSchema,
    name: z.string().optional(),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    last_used_at: z.iso.datetime().optional().openapi({ description: "Since the server started." }),
    suspended_at: z.iso.datetime().optional().openapi({
      description:
        "The token is refused since then: it sent other services' secrets. See `/tokens/{id}/resume`.",
    }),
  })
  .openapi("TokenInfo");

const idParams = z.strictObject({
  id: z
    .string()
    .max(HTTP_API_LIMITS.tokenIdCharacters)
    .openapi({ description: "The token, or a prefix that only it has; a trailing `...` is accepted." }),
});

const revokedSchema = z.strictObject({ status: z.literal("revoked") }).openapi("Revoked");

const resumedSchema = z.strictObject({ status: z.literal("active") }).openapi("Resumed");

/** `/tokens`, `/tokens/{id}` and `/tokens/{id}/resume`. */
export function registerTokenRoutes(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
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
      const { scope, name, ...lifetime } = c.req.valid("json");
      const expiresAt = expiryOf(lifetime, parts.clock(), parts.tokenTtlMs);
      const { id, record } = await tokens.issue({ scope, name, expiresAt, issuedBy: c.get("token").digest });
      log.info({ token: record.id_prefix, scope, by: c.get("token").id_prefix }, "token issued");
      const { digest: _digest, id_prefix: _prefix, ...shown } = record;
      return c.json({ id, ...shown }, 201);
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
      return c.json(listed.map(toListedToken), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/tokens/{id}",
      operationId: "revokeToken",
      tags: ["tokens"],
      summary: "Revoke a token",
      security: BEARER_SECURITY,
      middleware: access.admin,
      request: { params: idParams },
      responses: {
        200: jsonAnswer(revokedSchema, "The token is not accepted any more"),
        ...errorResponses("invalid_request", "not_found", ...ADMIN_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const record = await tokens.revoke(c.req.valid("param").id);
      log.info({ token: record.id_prefix, by: c.get("token").id_prefix }, "token revoked");
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
      return c.json({ status: "active" as const }, 200);
    },
  );
}

function toListedToken({
  digest: _digest,
  id_prefix,
  ...shown
}: ListedToken): z.output<typeof listedTokenSchema> {
  return { id_prefix: `${id_prefix}...`, ...shown };
}
