import { z } from "@hono/zod-openapi";
import { STATUS_OF_ERROR_CODE, statusOf } from "../errors/error-codes.js";
import type { ErrorCode } from "../errors/error-codes.js";

const CODES = Object.keys(STATUS_OF_ERROR_CODE) as [ErrorCode, ...ErrorCode[]];

/** The body of every error answer. */
export const errorSchema = z
  .strictObject({
    error: z.string().openapi({ description: "One sentence for a person. Holds no secret." }),
    code: z.enum(CODES).openapi({ description: "Stable; what a program should look at." }),
  })
  .openapi("Error");

interface ErrorResponse {
  description: string;
  headers?: Record<string, { description: string; schema: { type: "string" | "integer" } }>;
  content: { "application/json": { schema: typeof errorSchema } };
}

type ErrorResponses<C extends ErrorCode> = Record<(typeof STATUS_OF_ERROR_CODE)[C], ErrorResponse>;

/** Answers of every route that wants a token. */
export const TOKEN_ERRORS = [
  "vault_locked",
  "unauthorized",
  "token_suspended",
  "forbidden",
  "invalid_request",
  "internal",
] as const;
/** Answers of every route that wants an admin's token. */
export const ADMIN_ERRORS = [...TOKEN_ERRORS, "audit_unavailable"] as const;
/** Answers of every route that reads a body. */
export const BODY_ERRORS = ["invalid_request", "body_too_large", "unsupported_media_type"] as const;
/** Answers of every route that saves a change. */
export const SAVE_ERRORS = ["conflict", "storage_failed", "storage_full", "unavailable"] as const;
/** Answers of every route that checks a password. */
export const PASSWORD_ERRORS = ["rate_limited", "locked_out"] as const;

/** What a route's documentation says of its error answers: each code under its status. */
export function errorResponses<const C extends ErrorCode>(...codes: readonly C[]): ErrorResponses<C> {
  const responses: Partial<Record<number, ErrorResponse>> = {};
  for (const code of new Set(codes)) {
    const status = statusOf(code);
    const others = responses[status];
    responses[status] = {
      description: others === undefined ? `\`${code}\`` : `${others.description} or \`${code}\``,
      ...headersOf(status),
      content: { "application/json": { schema: errorSchema } },
    };
  }
  return responses as ErrorResponses<C>;
}

function headersOf(status: number): Pick<ErrorResponse, "headers"> {
  if (status === 401) {
    return { headers: { "WWW-Authenticate": { description: "`Bearer`", schema: { type: "string" } } } };
  }
  if (status === 429) {
    return { headers: { "Retry-After": { description: "Seconds to wait.", schema: { type: "integer" } } } };
  }
  return {};
}
