import { createRoute, z } from "@hono/zod-openapi";
import { whyNotForChild } from "../authorization/effective-policies.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { policyContentSchema } from "../policies/policy-schema.js";
import type { AuditTrail } from "./audit-trail.js";
import type { AccessRules } from "./authentication.js";
import { limitChildRequests } from "./child-request-rate.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { BODY_ERRORS, SAVE_ERRORS, TOKEN_ERRORS, errorResponses } from "./error-schema.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";
import { BEARER_SECURITY, jsonAnswer, jsonRequest } from "./route-documentation.js";
import { policiesOf } from "./stored-policies.js";
import { issuedTokenOf, issuedTokenSchema } from "./token-answers.js";
import { tokenDetails } from "./tokens.js";
import { expiryOf } from "./token-lifetime.js";
import { childTokenFields } from "./token-request.js";

const childRequestSchema = z
  .strictObject({
    ...childTokenFields,
    policy: policyContentSchema.optional().openapi({
      description: "A part of what the token itself may do. Without it, all of that.",
    }),
  })
  .openapi("ChildTokenRequest");

/** `/tokens/self/children`: by which a token hands on a part of what it may do. */
export function registerTokenChildRoute(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
  trail: AuditTrail,
): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/tokens/self/children",
      operationId: "createChildToken",
      tags: ["tokens"],
      summary: "Make a token that may do no more, and is valid no longer, than the one that asks",
      security: BEARER_SECURITY,
      middleware: [access.requireProxy, limitChildRequests(parts.tokens, parts.clock), ...access.proxyJson],
      request: { body: { ...jsonRequest(childRequestSchema), description: "May be left out." } },
      responses: {
        201: jsonAnswer(issuedTokenSchema, "The token: the only time it is shown"),
        ...errorResponses(
          "policy_denied",
          "forbidden",
          "rate_limited",
          "audit_unavailable",
          ...TOKEN_ERRORS,
          ...BODY_ERRORS,
          ...SAVE_ERRORS,
        ),
      },
    }),
    async (c) => {
      const { name, policy, ...lifetime } = c.req.valid("json");
      const parent = c.get("token");
      const { digest } = parent;
      const expiresAt = expiryOf(lifetime, parts.clock(), parts.tokenTtlMs, HTTP_API_LIMITS.childLifetimeMs);
      if (policy !== undefined) {
        const lineage = parts.tokens.lineage(parent);
        const reason = whyNotForChild(policy, lineage, policiesOf(parts).records);
        if (reason !== undefined) throw new VaultProxyError("policy_denied", `policy.${reason}`);
      }
      const { id, record } = await parts.tokens.issue({
        ...{ scope: "proxy" as const, name, expiresAt, issuedBy: digest, parent: digest, rules: policy },
      });
      parts.log.info({ token: record.id_prefix, by: parent.id_prefix }, "child token issued");
      await trail.changed(c, "token.child", { status: 201 }, tokenDetails(record));
      return c.json(issuedTokenOf(id, record), 201);
    },
  );
}
