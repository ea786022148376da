import { z } from "@hono/zod-openapi";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { assertEndpointUrl } from "../../network/base-url.js";
import { createAccessTokenInjector } from "../access-token-injector.js";
import type { AuthStrategy, IssuingTools, ReadFile, ServiceFacts } from "../auth-strategy.js";
import type { IssuedToken } from "../issued-token.js";
import { KEPT_TOKEN_FIELD_NAMES, keptToken, keptTokenFields, storedToken } from "../kept-token.js";
import { CLIENT_AUTH_METHODS, type ClientAuthentication } from "../oauth2/client-authentication.js";
import { parseGoogleClientFile } from "../oauth2/google-client-file.js";
import { parseGoogleTokenFile } from "../oauth2/google-token-file.js";
import { TOKEN_BODY_FORMATS } from "../oauth2/token-endpoint.js";
import { TokenEndpointError } from "../oauth2/token-endpoint-error.js";
import { scopesSchema } from "../scopes.js";
import { refreshTokenSchema, secretTextSchema } from "../secret-text.js";
import { readSigningKey } from "../signing-key.js";
import { readNamedFile, storedFileNameSchema } from "../stored-file-name.js";
import { tokenParametersSchema } from "../token-parameters.js";

const MAX_URL_LENGTH = 2048;

const schema = z.strictObject({
  type: z.literal("oauth2_client"),
  client_id: z.string().min(1).max(1024).optional(),
  client_secret: secretTextSchema.optional(),
  refresh_token: refreshTokenSchema.optional(),
  token_url: z.string().min(1).max(MAX_URL_LENGTH).optional(),
  refresh_url: z
    .string()
    .min(1)
    .max(MAX_URL_LENGTH)
    .optional()
    .openapi({ description: "Where tokens are refreshed, if not at token_url." }),
  scopes: scopesSchema.optional(),
  grant: z.enum(["refresh_token", "client_credentials"]).default("refresh_token"),
  client_auth: z.enum(CLIENT_AUTH_METHODS).optional().openapi({
    description: "How the client proves itself. Default: post, or none without a client_secret.",
  }),
  client_key_file: storedFileNameSchema.optional().openapi({
    description: "Uploaded private key (PEM) for private_key_jwt.",
  }),
  client_key_id: z.string().min(1).max(256).optional(),
  issuer: z
    .string()
    .min(1)
    .max(MAX_URL_LENGTH)
    .optional()
    .openapi({ description: "The audience of client assertions, if it is not token_url." }),
  token_body: z.enum(TOKEN_BODY_FORMATS).default("form"),
  extra: tokenParametersSchema
    .optional()
    .openapi({ description: "Further parameters of token requests, such as audience." }),
  client_secret_file: storedFileNameSchema.optional().openapi({
    description: "Uploaded OAuth2 client of Google; read once, when the service is stored.",
  }),
  token_file: storedFileNameSchema.optional().openapi({
    description: "Uploaded token file of Google's libraries; read once, when the service is stored.",
  }),
  ...keptTokenFields,
});

type Config = z.output<typeof schema>;

/** RFC 6749: tokens by a refresh token (§6) or by the client's own credentials (§4.4). */
export const oauth2ClientStrategy: AuthStrategy<Config> = {
  type: "oauth2_client",
  schema,
  secretFields: ["client_secret", "refresh_token"],
  secretFiles: { client_secret: "client_secret_file", refresh_token: "token_file" },
  check(config, service) {
    const { allowPrivate } = service.destination;
    if (config.client_id === undefined) throw missing("client_id");
    assertEndpointUrl(required(config.token_url, "token_url"), "auth.token_url", allowPrivate);
    if (config.refresh_url !== undefined) {
      assertEndpointUrl(config.refresh_url, "auth.refresh_url", allowPrivate);
    }
    if (config.grant === "refresh_token" && config.refresh_token === undefined) {
      throw missing("refresh_token", " for grant refresh_token; vault-cli oauth login gets one");
    }
    if (config.grant !== "client_credentials" && config.extra?.grant_type !== undefined) {
      throw new VaultProxyError(
        "invalid_request",
        "auth.extra.grant_type: is for grant client_credentials only",
      );
    }
    const method = methodOf(config);
    if (method === "private_key_jwt") required(config.client_key_file, "client_key_file");
    else if (method !== "none") required(config.client_secret, "client_secret");
    else if (config.grant === "client_credentials") {
      throw missing("client_secret", " for grant client_credentials");
    }
  },
  async readFiles(config, readFile) {
    if (config.client_key_file !== undefined) await readClientKey(config, readFile);
    return resolveGoogleFiles(config, readFile);
  },
  describe: ({ scopes, client_key_file }) => ({
    ...(scopes === undefined ? {} : { scopes }),
    ...(client_key_file === undefined ? {} : { client_key_file }),
  }),
  secrets: secretsOf,
  generated: secretsOf,
  renewal: {
    keptFields: KEPT_TOKEN_FIELD_NAMES,
    stored: storedToken,
    refreshTokenField: "refresh_token",
    clientIdField: "client_id",
    keep: (config, token) => ({
      ...config,
      ...keptToken(token),
      ...(token.refreshToken === undefined ? {} : { refresh_token: token.refreshToken }),
    }),
    issue,
  },
  createInjector: (_, token) => createAccessTokenInjector(token),
};

function secretsOf(config: Config): NonNullable<Config["client_secret"]>[] {
  return [config.client_secret, config.refresh_token, config.access_token].filter(
    (secret) => secret !== undefined,
  );
}

function methodOf({ client_auth, client_secret }: Config): NonNullable<Config["client_auth"]> {
  return client_auth ?? (client_secret === undefined ? "none" : "post");
}

async function issue(
  config: Config,
  { destination }: ServiceFacts,
  tools: IssuingTools,
  signal: AbortSignal,
): Promise<IssuedToken> {
  const isRefresh = config.grant === "refresh_token";
  const tokenUrl = required(config.token_url, "token_url");
  const requested = tools.requestToken(
    {
      url: isRefresh ? (config.refresh_url ?? tokenUrl) : tokenUrl,
      destination,
      client: {
        id: required(config.client_id, "client_id"),
        authentication: await authenticationOf(config, tools.readFile),
      },
      issuer: config.issuer,
      grantType: config.grant,
      parameters: {
        ...(!isRefresh && config.scopes !== undefined && config.scopes.length > 0
          ? { scope: config.scopes.join(" ") }
          : {}),
        ...config.extra,
        ...(isRefresh ? { refresh_token: required(config.refresh_token, "refresh_token").reveal() } : {}),
      },
      bodyFormat: config.token_body,
    },
    signal,
  );
  if (isRefresh) return requested;
  // A refresh token that comes with the client's own credentials must not be used (RFC 6749 §4.4.3).
  try {
    return { ...(await requested), refreshToken: undefined };
  } catch (error) {
    throw error instanceof TokenEndpointError ? error.withoutRefreshToken() : error;
  }
}

async function authenticationOf(config: Config, readFile: ReadFile): Promise<ClientAuthentication> {
  const method = methodOf(config);
  if (method === "none") return { method };
  if (method === "private_key_jwt") {
    return { method, key: await readClientKey(config, readFile), keyId: config.client_key_id };
  }
  return { method, secret: required(config.client_secret, "client_secret") };
}

async function readClientKey(config: Config, readFile: ReadFile): ReturnType<typeof readSigningKey> {
  const field = "auth.client_key_file";
  const name = required(config.client_key_file, "client_key_file");
  const bytes = await readNamedFile(readFile, name, field);
  return readSigningKey(bytes.toString("utf8"), field);
}

/** What the admin wrote beside the files wins. The names of the files are not kept: nobody reads them again. */
async function resolveGoogleFiles(
  { client_secret_file: clientFile, token_file: tokenFile, ...config }: Config,
  readFile: ReadFile,
): Promise<Config> {
  let resolved: Config = config;
  if (clientFile !== undefined) {
    const field = "auth.client_secret_file";
    const client = parseGoogleClientFile(await readNamedFile(readFile, clientFile, field), field);
    resolved = {
      ...resolved,
      client_id: config.client_id ?? client.clientId,
      client_secret: config.client_secret ?? client.clientSecret,
      token_url: config.token_url ?? client.tokenUrl,
    };
  }
  if (tokenFile !== undefined) {
    const field = "auth.token_file";
    const token = parseGoogleTokenFile(await readNamedFile(readFile, tokenFile, field), field);
    if (token.clientId !== undefined && token.clientId !== resolved.client_id) {
      throw new VaultProxyError("invalid_request", `${field}: its token belongs to another client`);
    }
    resolved = {
      ...resolved,
      refresh_token: config.refresh_token ?? token.refreshToken,
      scopes: config.scopes ?? (token.scopes === undefined ? undefined : [...token.scopes]),
      ...(token.access === undefined
        ? {}
        : { access_token: token.access.token, expires_at: token.access.expiresAt }),
    };
  }
  return resolved;
}

function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw missing(field);
  return value;
}

function missing(field: string, why = ""): VaultProxyError {
  return new VaultProxyError("invalid_request", `auth.${field}: required${why}`);
}
