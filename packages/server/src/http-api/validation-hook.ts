import type { z } from "@hono/zod-openapi";
import { invalidRequest } from "./validation-message.js";

/** What the framework gives a hook after validation: on failure too, `data` is the value that was sent. */
export interface ValidationResult {
  readonly target: string;
  readonly success: boolean;
  readonly data?: unknown;
  readonly error?: z.core.$ZodError;
}

/** Runs behind every schema of a request, in the place of the framework's own answer, which would quote the input. */
export function refuseInvalid(result: ValidationResult): void {
  if (result.success) return;
  throw invalidRequest(
    result.error?.issues ?? [],
    result.data,
    result.target === "json" ? "body" : result.target,
  );
}
