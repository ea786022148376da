import { z } from "@hono/zod-openapi";
import { canonicalQueryName } from "../../network/query-parameters.js";
import { Secret } from "../../redaction/secret.js";
import type { AuthStrategy } from "../auth-strategy.js";
import { NO_NAMES } from "../auth-strategy.js";

const MAX_PARAMS = 16;
const MAX_NAME_LENGTH = 256;
const MAX_VALUE_LENGTH = 4096;

const wellFormed = (text: string): boolean => text.isWellFormed();

const schema = z.strictObject({
  type: z.literal("query"),
  params: z
    .record(
      z.string().min(1).max(MAX_NAME_LENGTH).refine(wellFormed, "is not well-formed Unicode"),
      z
        .string()
        .min(1)
        .max(MAX_VALUE_LENGTH)
        .refine(wellFormed, "is not well-formed Unicode")
        .transform((value) => new Secret(value)),
    )
    .refine((params) => Object.keys(params).length > 0, "must hold at least one parameter")
    .refine(
      (params) => Object.keys(params).length <= MAX_PARAMS,
      `must hold at most ${MAX_PARAMS} parameters`,
    )
    .refine(
      (params) => new Set(Object.keys(params).map(canonicalQueryName)).size === Object.keys(params).length,
      "names one parameter twice",
    ),
});

/** Query parameters, such as `?key=<value>`, behind the caller's own (RFC 3986 §3.4). */
export const queryStrategy: AuthStrategy<z.output<typeof schema>> = {
  type: "query",
  schema,
  secretFields: ["params"],
  describe: (config) => ({ query_params: Object.keys(config.params) }),
  secrets: (config) => Object.values(config.params),
  createInjector(config) {
    const injected = Object.entries(config.params)
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value.reveal())}`)
      .join("&");
    return {
      headerNames: NO_NAMES,
      queryNames: new Set(Object.keys(config.params).map(canonicalQueryName)),
      inject(request) {
        request.query =
          request.query === undefined || request.query === "" ? injected : `${request.query}&${injected}`;
      },
    };
  },
};
