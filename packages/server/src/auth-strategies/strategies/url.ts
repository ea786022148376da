import { z } from "@hono/zod-openapi";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { assertSafePath } from "../../network/request-target.js";
import { Secret } from "../../redaction/secret.js";
import type { AuthStrategy } from "../auth-strategy.js";
import { NO_NAMES } from "../auth-strategy.js";

const PLACEHOLDER = "{token}";
const MAX_LENGTH = 4096;

const schema = z.strictObject({
  type: z.literal("url"),
  token: z
    .string()
    .min(1)
    .max(MAX_LENGTH)
    .refine((token) => token.trim() === token, "must not begin or end with white space")
    .refine((token) => token.isWellFormed(), "is not well-formed Unicode")
    .transform((value) => new Secret(value)),
});

/** Percent-encodes for one path segment: RFC 3986 §3.3 `pchar` stays as it is (Telegram's tokens hold a colon). */
function encodeSegment(token: string): string {
  return encodeURIComponent(token).replaceAll(/%(?:3A|40|24|26|2B|2C|3B|3D)/g, (escape) =>
    decodeURIComponent(escape),
  );
}

function putToken(path: string, encoded: string): string {
  // A function: in a replacement text `$` would have a meaning.
  return path.replaceAll(PLACEHOLDER, () => encoded);
}

/** The token stands in the path, where `base_url` says `{token}` (Telegram's `/bot{token}`). */
export const urlStrategy: AuthStrategy<z.output<typeof schema>> = {
  type: "url",
  schema,
  secretFields: ["token"],
  check(config, service) {
    if (!service.base_url.includes(PLACEHOLDER)) {
      throw new VaultProxyError("invalid_request", `base_url: must hold ${PLACEHOLDER} where the token goes`);
    }
    const path = service.base_url.replace(/^[^:]+:\/\/[^/]*/, "");
    try {
      assertSafePath(putToken(path, encodeSegment(config.token.reveal())));
    } catch {
      throw new VaultProxyError("invalid_request", "auth.token: would make a dot segment of the path");
    }
  },
  describe: () => ({}),
  secrets: (config) => [config.token],
  createInjector(config) {
    const encoded = encodeSegment(config.token.reveal());
    return {
      headerNames: NO_NAMES,
      queryNames: NO_NAMES,
      inject(request) {
        request.basePath = putToken(request.basePath, encoded);
      },
    };
  },
};
