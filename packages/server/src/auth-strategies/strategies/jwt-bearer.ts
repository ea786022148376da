import { randomUUID } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { assertEndpointUrl } from "../../network/base-url.js";
import { createAccessTokenInjector } from "../access-token-injector.js";
import type { AuthStrategy } from "../auth-strategy.js";
import { assertOneKey, configuredKeyFields, readConfiguredKey } from "../configured-key.js";
import { signJsonWebToken } from "../json-web-token.js";
import { KEPT_TOKEN_FIELD_NAMES, keptToken, keptTokenFields, storedToken } from "../kept-token.js";
import { JWT_BEARER_GRANT } from "../oauth2/jwt-bearer-grant.js";
import { TOKEN_BODY_FORMATS } from "../oauth2/token-endpoint.js";
import { scopesSchema } from "../scopes.js";
import { secretTextSchema } from "../secret-text.js";
import { SIGNING_ALGORITHMS, type SigningKey } from "../signing-key.js";
import { tokenParametersSchema } from "../token-parameters.js";

const claimText = z.string().min(1).max(2048);

/** Seconds. */
const ASSERTION = { lifetime: 300, longestLifetime: 3600, clockSkew: 10 } as const;

const schema = z.strictObject({
  type: z.literal("jwt_bearer"),
  token_url: z.string().min(1).max(2048),
  issuer: claimText,
  subject: claimText.optional().openapi({ description: "Default: the issuer." }),
  audience: claimText.optional().openapi({ description: "Default: token_url." }),
  scopes: scopesSchema.optional(),
  algorithm: z.enum(SIGNING_ALGORITHMS).optional().openapi({ description: "Default: what the key is for." }),
  kid: z.string().min(1).max(256).optional(),
  ...configuredKeyFields,
  claims: z
    .record(z.string().min(1).max(128), z.union([z.string().max(2048), z.number(), z.boolean()]))
    .refine((claims) => Object.keys(claims).length <= 32, "must hold at most 32")
    .refine(
      (claims) => ["iss", "sub", "aud", "iat", "exp", "jti"].every((name) => !(name in claims)),
      "must not hold a claim that the server sets itself",
    )
    .optional(),
  lifetime: z
    .int()
    .min(10)
    .max(ASSERTION.longestLifetime)
    .default(ASSERTION.lifetime)
    .openapi({ description: "Of the assertion, in seconds." }),
  client_id: z.string().min(1).max(1024).optional(),
  client_secret: secretTextSchema.optional(),
  client_auth: z.enum(["post", "basic"]).default("post"),
  token_body: z.enum(TOKEN_BODY_FORMATS).default("form"),
  extra: tokenParametersSchema.optional(),
  ...keptTokenFields,
});

type Config = z.output<typeof schema>;

/** A signed assertion is exchanged for an access token (RFC 7523 §2.1), with any provider. */
export const jwtBearerStrategy: AuthStrategy<Config> = {
  type: "jwt_bearer",
  schema,
  secretFields: ["private_key", "client_secret"],
  secretFiles: { private_key: "key_file" },
  check(config, { destination }) {
    assertEndpointUrl(config.token_url, "auth.token_url", destination.allowPrivate);
    assertOneKey(config);
    if (config.client_secret !== undefined && config.client_id === undefined) {
      throw new VaultProxyError("invalid_request", "auth.client_id: required with client_secret");
    }
    if (config.extra?.grant_type !== undefined) {
      throw new VaultProxyError("invalid_request", "auth.extra.grant_type: is set by the server itself");
    }
  },
  async readFiles(config, readFile) {
    await readConfiguredKey(config, readFile, config.algorithm);
    return config;
  },
  describe: ({ scopes, key_file }) => ({
    ...(scopes === undefined ? {} : { scopes }),
    ...(key_file === undefined ? {} : { key_file }),
  }),
  secrets: ({ private_key, client_secret, access_token }) =>
    [private_key, client_secret, access_token].filter((secret) => secret !== undefined),
  // The key is never sent anywhere, so that no answer can hold it.
  searched: ({ client_secret, access_token }) =>
    [client_secret, access_token].filter((secret) => secret !== undefined).map((secret) => ({ secret })),
  renewal: {
    keptFields: KEPT_TOKEN_FIELD_NAMES,
    stored: storedToken,
    keep: (config, token) => ({ ...config, ...keptToken(token) }),
    async issue(config, { destination }, tools, signal) {
      const key = await readConfiguredKey(config, tools.readFile, config.algorithm);
      const token = await tools.requestToken(
        {
          url: config.token_url,
          destination,
          client: clientOf(config),
          grantType: JWT_BEARER_GRANT,
          parameters: {
            ...config.extra,
            ...(config.scopes === undefined ? {} : { scope: config.scopes.join(" ") }),
            assertion: await assertionOf(config, key, Math.floor(tools.clock() / 1000)),
          },
          bodyFormat: config.token_body,
        },
        signal,
      );
      return { ...token, refreshToken: undefined };
    },
  },
  createInjector: (_, token) => createAccessTokenInjector(token),
};

function clientOf({ client_id: id, client_secret: secret, client_auth: method }: Config) {
  if (id === undefined) return undefined;
  return { id, authentication: secret === undefined ? { method: "none" as const } : { method, secret } };
}

function assertionOf(config: Config, key: SigningKey, now: number): Promise<string> {
  const issuedAt = now - ASSERTION.clockSkew;
  return signJsonWebToken(
    {
      ...config.claims,
      iss: config.issuer,
      sub: config.subject ?? config.issuer,
      aud: config.audience ?? config.token_url,
      iat: issuedAt,
      exp: issuedAt + config.lifetime,
      jti: randomUUID(),
    },
    key,
    config.kid,
  );
}
