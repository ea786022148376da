import { z } from "@hono/zod-openapi";
import { Secret } from "../redaction/secret.js";

const MAX_LENGTH = 16_384;

/** Of a refresh token, whoever gives it: one that a provider gave must pass where an admin changes its service. */
export const MAX_REFRESH_TOKEN_LENGTH = 131_072;

/** One line of any text, as it is sent in a form or JSON. */
const oneLine = z
  .string()
  .min(1)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, "must not hold control characters");

export const secretTextSchema = oneLine.max(MAX_LENGTH).transform((value) => new Secret(value));

export const refreshTokenSchema = oneLine
  .max(MAX_REFRESH_TOKEN_LENGTH)
  .transform((value) => new Secret(value));

/** A private key in PEM. */
export const privateKeySchema = z
  .string()
  .min(1)
  .max(MAX_LENGTH)
  .transform((value) => new Secret(value));
