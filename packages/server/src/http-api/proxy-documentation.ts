import type { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "@hono/zod-openapi";
import { serviceNameSchema } from "../auth-strategies/service-definition.js";
import { errorResponses } from "./error-schema.js";
import { BEARER_SECURITY } from "./route-documentation.js";

const METHODS = ["get", "head", "post", "put", "patch", "delete", "options"] as const;

const pathParams = z.object({
  service: serviceNameSchema,
  path: z.string().openapi({ description: "Goes to the service byte for byte, slashes included." }),
});

/** Documents `/proxy`, which the data plane answers: its requests never reach the control plane. */
export function registerProxyDocumentation(registry: OpenAPIHono["openAPIRegistry"]): void {
  for (const method of METHODS) {
    registry.registerPath({
      method,
      path: "/proxy/{service}/{path}",
      tags: ["proxy"],
      operationId: `proxy${method.charAt(0).toUpperCase()}${method.slice(1)}`,
      summary: `Send a ${method.toUpperCase()} request to a service, with its credential injected`,
      description:
        "Query, headers and body are passed on; the answer streams back. An answer that the vault itself made " +
        "carries `X-Vault-Error`.",
      security: BEARER_SECURITY,
      request: { params: pathParams },
      responses: {
        default: { description: "The service's own answer, whatever its status" },
        ...errorResponses(
          "invalid_request",
          "unauthorized",
          "forbidden",
          "policy_denied",
          "token_suspended",
          "destination_blocked",
          "not_found",
          "secret_in_request",
          "method_not_allowed",
          "body_too_large",
          "expectation_failed",
          "vault_locked",
          "rate_limited",
          "internal",
          "not_implemented",
          "upstream_failed",
          "oauth2_reauthorization_required",
          "oauth2_refresh_failed",
          "audit_unavailable",
          "unavailable",
          "upstream_timeout",
        ),
      },
    });
  }
}
