import { createRoute, z } from "@hono/zod-openapi";
import type { AccessRules } from "./authentication.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { TOKEN_ERRORS, errorResponses } from "./error-schema.js";
import { BEARER_SECURITY } from "./route-documentation.js";

/** `GET /metrics`. */
export function registerMetricsRoute(
  app: ControlPlaneApp,
  { metrics }: Pick<ControlPlaneParts, "metrics">,
  access: AccessRules,
): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/metrics",
      operationId: "metrics",
      tags: ["metrics"],
      summary: "Metrics in the text format of Prometheus, version 0.0.4",
      security: BEARER_SECURITY,
      middleware: access.metrics,
      responses: {
        200: {
          description: "Every metric; docs/metrics.md explains them",
          content: { "text/plain": { schema: z.string() } },
        },
        ...errorResponses(...TOKEN_ERRORS),
      },
    }),
    async (c) => {
      const text = await metrics.text();
      return c.body(text, 200, { "Content-Type": metrics.contentType }) as never;
    },
  );
}
