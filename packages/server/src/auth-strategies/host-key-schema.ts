import { z } from "@hono/zod-openapi";
import { readHostKey } from "./ssh-host-key.js";

/** A server's public key or its fingerprint, as it is kept. */
export const hostKeySchema = z
  .string()
  .min(1)
  .transform((text, context) => {
    const reading = readHostKey(text);
    if (reading.ok) return reading.hostKey;
    context.addIssue({ code: "custom", message: reading.fault });
    return z.NEVER;
  })
  .openapi({
    type: "string",
    example: "SHA256:uNiVztksCsDhcc0u9e8BrdGqZGmvK5mRyAjCk0FhPDE",
    description:
      "The server's public key, such as a line of ssh-keyscan, or its fingerprint. Without it the key of the first connection is kept.",
  });
