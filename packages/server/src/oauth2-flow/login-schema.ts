import { z } from "@hono/zod-openapi";
import { CLIENT_AUTH_METHODS } from "../auth-strategies/oauth2/client-authentication.js";
import { TOKEN_BODY_FORMATS } from "../auth-strategies/oauth2/token-endpoint.js";
import { scopesSchema } from "../auth-strategies/scopes.js";
import { secretTextSchema } from "../auth-strategies/secret-text.js";
import { serviceDefinitionSchema } from "../auth-strategies/service-definition.js";
import { storedFileNameSchema } from "../auth-strategies/stored-file-name.js";
import { tokenParametersSchema } from "../auth-strategies/token-parameters.js";
import { isFlowParameter } from "./authorization-url.js";
import { FLOW_LIMITS } from "./flow-limits.js";

const MAX_PARAMETERS = 32;

const { name: serviceName, auth: _auth, ...serviceSettings } = serviceDefinitionSchema.shape;

const urlSchema = z.string().min(1).max(FLOW_LIMITS.urlCharacters);

const authorizeParametersSchema = z
  .record(
    z
      .string()
      .min(1)
      .max(256)
      .refine((name) => !isFlowParameter(name), "is set by the vault itself"),
    z.union([z.string().max(4096), z.number(), z.boolean()]).transform(String),
  )
  .refine(
    (parameters) => Object.keys(parameters).length <= MAX_PARAMETERS,
    `must hold at most ${MAX_PARAMETERS}`,
  );

/** What both kinds of login want to know: the service to be, and the client at the provider. */
const loginFields = {
  service_name: serviceName,
  ...serviceSettings,
  scopes: scopesSchema.optional(),
  client_secret_file: storedFileNameSchema.optional().openapi({
    description: "An uploaded OAuth2 client of Google, in place of client_id, client_secret and endpoints.",
  }),
  client_id: z.string().min(1).max(1024).optional(),
  client_secret: secretTextSchema.optional(),
  token_url: urlSchema.optional(),
  refresh_url: urlSchema
    .optional()
    .openapi({ description: "Where tokens are refreshed, if not at token_url." }),
  client_auth: z.enum(CLIENT_AUTH_METHODS).optional().openapi({
    description: "How the client proves itself. Default: post, or none without a client_secret.",
  }),
  client_key_file: storedFileNameSchema.optional().openapi({
    description: "Uploaded private key (PEM) for private_key_jwt.",
  }),
  client_key_id: z.string().min(1).max(256).optional(),
  token_body: z.enum(TOKEN_BODY_FORMATS).optional(),
  extra: tokenParametersSchema.optional().openapi({
    description: "Further parameters of token requests, such as audience.",
  }),
  authorize_params: authorizeParametersSchema.optional().openapi({
    description: "Further parameters of the request that the login begins with.",
  }),
  scope_separator: z.enum([" ", ","]).default(" "),
  issuer: urlSchema.optional().openapi({
    description:
      "The provider's issuer identifier: what it says as iss (RFC 9207), and the audience of client assertions.",
  }),
  long_lived_token: z.boolean().default(false).openapi({
    description:
      "Whether an access token that never ends, without a refresh token, is taken: the service's type is bearer then.",
  }),
};

/** `POST /auth/oauth2/authorize`. */
export const browserLoginSchema = z
  .strictObject({
    ...loginFields,
    auth_url: urlSchema.optional(),
    redirect_uri: urlSchema.optional().openapi({
      description: "Default: one of the file's, or the vault's own address and path.",
    }),
    require_iss: z.boolean().optional().openapi({
      description: "Whether an answer without iss is refused (RFC 9207). Default: true if issuer is given.",
    }),
  })
  .openapi("BrowserLogin");

/** `POST /auth/oauth2/device`. */
export const deviceLoginSchema = z
  .strictObject({ ...loginFields, device_url: urlSchema.optional() })
  .openapi("DeviceLogin");

export type BrowserLoginRequest = z.output<typeof browserLoginSchema>;
export type DeviceLoginRequest = z.output<typeof deviceLoginSchema>;
export type LoginRequest = BrowserLoginRequest | DeviceLoginRequest;
