import { createRoute, z } from "@hono/zod-openapi";
import { recordedEntrySchema } from "../audit/audit-query.js";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { ADMIN_ERRORS, errorResponses } from "./error-schema.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";
import { BEARER_SECURITY, jsonAnswer } from "./route-documentation.js";

const wholeNumber = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, "must be a whole number from 1")
  .transform(Number);
const filterText = z.string().min(1).max(HTTP_API_LIMITS.auditFilterCharacters);

const auditQuery = z.strictObject({
  limit: wholeNumber
    .refine(
      (limit) => limit <= HTTP_API_LIMITS.auditEntries,
      `must be ${HTTP_API_LIMITS.auditEntries} at most`,
    )
    .optional()
    .openapi({ type: "integer", description: "100 without it." }),
  before: wholeNumber.optional().openapi({
    type: "integer",
    description: "Entries with lower numbers only: `next` of the page before.",
  }),
  service: filterText.optional(),
  token: filterText.optional().openapi({ description: "The start of a token's id." }),
  action: filterText.optional().openapi({
    description: "An action, or what is before its dot: `ssh` is all of `ssh.exec`, `ssh.upload`, …",
  }),
  decision: z.enum(["allow", "deny"]).optional(),
});

const auditPageSchema = z
  .strictObject({
    entries: z.array(recordedEntrySchema).openapi({ description: "The newest first." }),
    next: z.number().optional().openapi({
      description:
        "`before` of the next page; absent at the end. A page may be short or empty and still have it.",
    }),
  })
  .openapi("AuditPage");

/** `GET /audit` */
export function registerAuditRoute(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/audit",
      operationId: "listAudit",
      tags: ["audit"],
      summary: "Show what was done through the vault, the newest first",
      security: BEARER_SECURITY,
      middleware: access.admin,
      request: { query: auditQuery },
      responses: {
        200: jsonAnswer(auditPageSchema, "A page of the audit log"),
        ...errorResponses("not_found", "storage_failed", ...ADMIN_ERRORS),
      },
    }),
    async (c) => {
      const { limit = HTTP_API_LIMITS.auditPage, ...filter } = c.req.valid("query");
      const { entries, next } = await parts.audit.query({ limit, ...filter });
      return c.json({ entries: [...entries], ...(next === undefined ? {} : { next }) }, 200);
    },
  );
}
