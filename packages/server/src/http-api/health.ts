import { createRoute, z } from "@hono/zod-openapi";
import { tokenStatusSchema } from "../auth-strategies/service-info.js";
import { isAdmin, type AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { TOKEN_ERRORS, errorResponses } from "./error-schema.js";
import { healthDetailsSchema, type HealthDetails } from "./health-details.js";
import { BEARER_SECURITY, jsonAnswer } from "./route-documentation.js";
import { sortedByName } from "./sorted-services.js";
import { tokenStateOf } from "./token-state.js";

const healthSchema = z
  .strictObject({
    status: z.enum(["locked", "unlocked"]),
    initialized: z.boolean().openapi({ description: "Whether the vault file exists." }),
    version: z.string(),
    details: healthDetailsSchema.optional().openapi({ description: "For the token of an admin only." }),
  })
  .openapi("Health");

const tokenHealthSchema = z
  .strictObject({
    name: z.string(),
    auth_type: z.string(),
    expires_at: z
      .number()
      .optional()
      .openapi({ description: "Unix seconds; absent if there is no token yet." }),
    token_status: tokenStatusSchema,
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
      summary: "Whether the vault exists and is unlocked; with an admin's token, how the server does",
      responses: { 200: jsonAnswer(healthSchema, "The vault's state"), ...errorResponses("internal") },
    }),
    async (c) => {
      const { status, initialized } = parts.vault;
      const isForAdmin = status === "unlocked" && isAdmin(parts.tokens, c.req.header("authorization"));
      const details = isForAdmin ? await detailsOf(parts) : undefined;
      const shown = { status, initialized, version: parts.version };
      return c.json(details === undefined ? shown : { ...shown, details }, 200);
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
    (c) => {
      const tokens: z.infer<typeof tokenHealthSchema>[] = [];
      for (const record of sortedByName(parts.services.records)) {
        const state = tokenStateOf(record, parts);
        if (state !== undefined) tokens.push({ name: record.name, auth_type: record.auth.type, ...state });
      }
      return c.json(tokens, 200);
    },
  );
}

/** Undefined for a vault that is locked meanwhile. */
async function detailsOf({ vault, healthDetails }: ControlPlaneParts): Promise<HealthDetails | undefined> {
  try {
    return await healthDetails();
  } catch (error) {
    if (vault.status === "locked") return undefined;
    throw error;
  }
}
