import { z } from "@hono/zod-openapi";

/** RFC 6749 §3.3 `scope-token`. */
const scopeToken = z
  .string()
  .max(1024)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "is not a legal scope");

/** A list of scopes, or one string with spaces between them. */
export const scopesSchema = z
  .union([
    z.array(scopeToken).max(100),
    z
      .string()
      .max(8192)
      .transform((text) => text.split(" ").filter((scope) => scope !== ""))
      .pipe(z.array(scopeToken).max(100)),
  ])
  .openapi({ type: "array", items: { type: "string" } });
