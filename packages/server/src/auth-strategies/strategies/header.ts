import { z } from "@hono/zod-openapi";
import { canonicalHeaderName } from "../../network/header-policy.js";
import type { Secret } from "../../redaction/secret.js";
import type { AuthStrategy } from "../auth-strategy.js";
import { NO_NAMES } from "../auth-strategy.js";
import { credentialParts } from "../credential-parts.js";
import { headerNameSchema, secretHeaderValueSchema } from "../header-field.js";

const schema = z.strictObject({
  type: z.literal("header"),
  header_name: headerNameSchema,
  header_value: secretHeaderValueSchema,
});

function allOf({ header_value }: z.output<typeof schema>): readonly Secret[] {
  return [header_value, ...credentialParts(header_value)];
}

/** One header, such as `X-Api-Key: <value>`. */
export const headerStrategy: AuthStrategy<z.output<typeof schema>> = {
  type: "header",
  schema,
  secretFields: ["header_value"],
  describe: (config) => ({ header_name: config.header_name }),
  secrets: (config) => [config.header_value],
  searched: (config) => allOf(config).map((secret) => ({ secret })),
  generated: allOf,
  createInjector(config) {
    const name = config.header_name;
    const value = config.header_value.reveal();
    return {
      headerNames: new Set([canonicalHeaderName(name)]),
      queryNames: NO_NAMES,
      inject: (request) => void request.headers.push(name, value),
    };
  },
};
