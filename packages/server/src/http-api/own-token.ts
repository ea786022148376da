import { createRoute } from "@hono/zod-openapi";
import type { AuditTrail } from "./audit-trail.js";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { SAVE_ERRORS, TOKEN_ERRORS, errorResponses } from "./error-schema.js";
import { BEARER_SECURITY, jsonAnswer } from "./route-documentation.js";
import { revokedSchema, tokenDetails } from "./tokens.js";

/** `/tokens/self`: by which whoever holds a token gives it up, of any scope. */
export function registerOwnTokenRoute(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
  trail: AuditTrail,
): void {
  app.openapi(
    createRoute({
      method: "delete",
      path: "/tokens/self",
      operationId: "revokeOwnToken",
      tags: ["tokens"],
      summary: "Revoke the token that asks, and those that descend from it",
      security: BEARER_SECURITY,
      middleware: access.anyRecorded,
      responses: {
        200: jsonAnswer(revokedSchema, "The token is not accepted any more"),
        ...errorResponses("not_found", "audit_unavailable", ...TOKEN_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const { digest } = c.get("token");
      const { record, descendants } = await parts.tokens.revokeRecord(digest);
      parts.log.info({ token: record.id_prefix }, "token revoked by its holder");
      await trail.changed(c, "token.revoke", { status: 200 }, { ...tokenDetails(record), descendants });
      return c.json({ status: "revoked" as const }, 200);
    },
  );
}
