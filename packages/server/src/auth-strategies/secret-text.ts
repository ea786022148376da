import { z } from "@hono/zod-openapi";
import { Secret } from "../redaction/secret.js";

const MAX_LENGTH = 16_384;

/** A secret that is sent in a form or JSON, where any text can stand; one line. */
export const secretTextSchema = z
  .string()
  .min(1)
  .max(MAX_LENGTH)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, "must not hold control characters")
  .transform((value) => new Secret(value));

/** A private key in PEM. */
export const privateKeySchema = z
  .string()
  .min(1)
  .max(MAX_LENGTH)
  .transform((value) => new Secret(value));
