import { z } from "@hono/zod-openapi";
import type { AuthStrategy } from "../auth-strategy.js";
import { NO_NAMES } from "../auth-strategy.js";
import { secretHeaderValueSchema } from "../header-field.js";

const schema = z.strictObject({ type: z.literal("bearer"), token: secretHeaderValueSchema });

/** `Authorization: Bearer <token>` (RFC 6750 §2.1). */
export const bearerStrategy: AuthStrategy<z.output<typeof schema>> = {
  type: "bearer",
  schema,
  secretFields: ["token"],
  describe: () => ({}),
  secrets: (config) => [config.token],
  createInjector(config) {
    const value = `Bearer ${config.token.reveal()}`;
    return {
      headerNames: new Set(["authorization"]),
      queryNames: NO_NAMES,
      inject: (request) => void request.headers.push("Authorization", value),
    };
  },
};
