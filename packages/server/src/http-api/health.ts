import { createRoute, z } from "@hono/zod-openapi";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { TOKEN_ERRORS, errorResponses } from "./error-schema.js";
import { BEARER_SECURITY, jsonAnswer } from "./route-documentation.js";

const healthSchema = z
  .strictObject({
    status: z.enum(["locked", "unlocked"]),
    initialized: z.boolean().openapi({ description: "Whether the vault file exists." }),
    version: z.string(),
  })
  .openapi("Health");

const tokenHealthSchema = z
  .strictObject({
    name: z.string(),
    auth_type: z.string(),
    expires_at: z.number().openapi({ description: "Unix seconds." }),
    token_status: z.enum(["valid", "expiring", "expired"]),
  })
  .openapi("ServiceTokenHealth");

/** `GET /health` and `GET /health/tokens`. */
export function registerHealthRoutes(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/health",
      operationId: "health",
      tags: ["health"],
      summary: "Whether the vault exists and is unlocked",
      responses: { 200: jsonAnswer(healthSchema, "The vault's state"), ...errorResponses("internal") },
    }),
    (c) => {
      const { status, initialized } = parts.vault;
      return c.json({ status, initialized, version: parts.version }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/health/tokens",
      operationId: "healthTokens",
      tags: ["health"],
      summary: "How long the access tokens of services with token refresh are still valid",
      security: BEARER_SECURITY,
      middleware: access.any,
      responses: {
        200: jsonAnswer(z.array(tokenHealthSchema), "One entry for each such service"),
        ...errorResponses(...TOKEN_ERRORS),
      },
    }),
    // No auth type with a token refresh exists yet, so no service can be listed.
    (c) => c.json([], 200),
  );
}
