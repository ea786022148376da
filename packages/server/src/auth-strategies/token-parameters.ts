import { z } from "@hono/zod-openapi";

/** Parameters that the server sets itself. */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  "client_id",
  "client_secret",
  "client_assertion",
  "client_assertion_type",
  "refresh_token",
  "assertion",
  "code",
  "code_verifier",
  "redirect_uri",
  "device_code",
]);

/** Further parameters of token requests, such as `audience` (RFC 8693, Auth0) or `resource` (RFC 8707). */
export const tokenParametersSchema = z
  .record(
    z
      .string()
      .min(1)
      .max(256)
      .refine((name) => !RESERVED_NAMES.has(name), "is set by the server itself"),
    z.union([z.string().max(4096), z.number(), z.boolean()]).transform(String),
  )
  .refine((parameters) => Object.keys(parameters).length <= 32, "must hold at most 32");
