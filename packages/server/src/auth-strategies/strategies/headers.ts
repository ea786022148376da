import { z } from "@hono/zod-openapi";
import { canonicalHeaderName } from "../../network/header-policy.js";
import type { Secret } from "../../redaction/secret.js";
import type { AuthStrategy } from "../auth-strategy.js";
import { NO_NAMES } from "../auth-strategy.js";
import { credentialParts } from "../credential-parts.js";
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

/** Canonical names of fields that say what is wanted or who asks, beside the credential. */
const PUBLIC_NAMES: ReadonlySet<string> = new Set([
  "accept",
  "accept-charset",
  "accept-encoding",
  "accept-language",
  "anthropic-beta",
  "cache-control",
  "content-language",
  "content-type",
  "openai-beta",
  "origin",
  "prefer",
  "user-agent",
  "x-requested-with",
]);

/** Types of the IANA registry and a subtype, perhaps with parameters (RFC 9110 §8.3.1). */
const MEDIA_TYPE =
  /^(?:application|audio|font|image|message|model|multipart|text|video)\/[a-z0-9!#$&^_.+-]{1,127}(?:;[ \t]*[a-z0-9-]{1,32}=[^\s;]{1,64})?$/i;

/** Whether a field is surely no secret: it stands in innocent requests and answers. */
function isPublic(name: string, value: string): boolean {
  const canonical = canonicalHeaderName(name);
  return PUBLIC_NAMES.has(canonical) || canonical.endsWith("-version") || MEDIA_TYPE.test(value);
}

function credentialsIn({ headers }: z.output<typeof schema>): readonly Secret[] {
  return Object.entries(headers)
    .filter(([name, value]) => !isPublic(name, value.reveal()))
    .flatMap(([, value]) => [value, ...credentialParts(value)]);
}

/** Several headers at once, such as Datadog's `DD-API-KEY` and `DD-APPLICATION-KEY`. */
export const headersStrategy: AuthStrategy<z.output<typeof schema>> = {
  type: "headers",
  schema,
  secretFields: ["headers"],
  describe: (config) => ({ header_names: Object.keys(config.headers) }),
  secrets: (config) => Object.values(config.headers),
  searched: (config) => credentialsIn(config).map((secret) => ({ secret })),
  generated: credentialsIn,
  createInjector(config) {
    const pairs = Object.entries(config.headers).flatMap(([name, value]) => [name, value.reveal()]);
    return {
      headerNames: new Set(Object.keys(config.headers).map(canonicalHeaderName)),
      queryNames: NO_NAMES,
      inject: (request) => void request.headers.push(...pairs),
    };
  },
};
