import { z } from "@hono/zod-openapi";
import { canonicalHeaderName } from "../../network/header-policy.js";
import type { AuthStrategy } from "../auth-strategy.js";
import { NO_NAMES } from "../auth-strategy.js";
import { headerNameSchema, namesAreDistinct, secretHeaderValueSchema } from "../header-field.js";

const MAX_HEADERS = 16;

const schema = z.strictObject({
  type: z.literal("headers"),
  headers: z
    .record(headerNameSchema, secretHeaderValueSchema)
    .refine((headers) => Object.keys(headers).length > 0, "must hold at least one header")
    .refine(
      (headers) => Object.keys(headers).length <= MAX_HEADERS,
      `must hold at most ${MAX_HEADERS} headers`,
    )
    .refine((headers) => namesAreDistinct(Object.keys(headers)), "names one header twice"),
});

/** Several headers at once, such as Datadog's `DD-API-KEY` and `DD-APPLICATION-KEY`. */
export const headersStrategy: AuthStrategy<z.output<typeof schema>> = {
  type: "headers",
  schema,
  secretFields: ["headers"],
  describe: (config) => ({ header_names: Object.keys(config.headers) }),
  secrets: (config) => Object.values(config.headers),
  createInjector(config) {
    const pairs = Object.entries(config.headers).flatMap(([name, value]) => [name, value.reveal()]);
    return {
      headerNames: new Set(Object.keys(config.headers).map(canonicalHeaderName)),
      queryNames: NO_NAMES,
      inject: (request) => void request.headers.push(...pairs),
    };
  },
};
