import { z } from "@hono/zod-openapi";
import { policyContentSchema, policyNameSchema } from "../policies/policy-schema.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";

export const tokenScopeSchema = z.enum(["admin", "proxy", "metrics"]).openapi({
  description:
    "`admin` may do everything, `proxy` use services, `metrics` nothing but `GET /metrics` and `GET /health`.",
});

/** The name of a policy, or a policy. Each is judged by itself, so that an answer names the field that is wrong. */
export const tokenPolicySchema = z
  .unknown()
  .transform((value, context) => {
    const parsed =
      typeof value === "string" ? policyNameSchema.safeParse(value) : policyContentSchema.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.addIssue({ ...issue });
    return z.NEVER;
  })
  .openapi({
    description: "The name of a stored policy, or a policy of the token's own. Without it, every service.",
    anyOf: [{ type: "string" }, { $ref: "#/components/schemas/PolicyContent" }],
  });

/** What may be said of any new token. */
export const childTokenFields = {
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
};
