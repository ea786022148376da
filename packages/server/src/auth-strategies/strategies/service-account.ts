import { z } from "@hono/zod-openapi";
import { assertEndpointUrl } from "../../network/base-url.js";
import { createAccessTokenInjector } from "../access-token-injector.js";
import type { AuthStrategy, ReadFile } from "../auth-strategy.js";
import { parseGoogleKeyFile, type GoogleKey } from "../google-key-file.js";
import { signJsonWebToken } from "../json-web-token.js";
import { keptToken, keptTokenFields, storedToken, type KeptToken } from "../kept-token.js";
import { JWT_BEARER_GRANT } from "../oauth2/jwt-bearer-grant.js";
import { scopesSchema } from "../scopes.js";
import { readSigningKey, type SigningKey } from "../signing-key.js";
import { readNamedFile, storedFileNameSchema } from "../stored-file-name.js";

const GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token";
const DEFAULT_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"];

/** Seconds. Google takes an hour at most, and no beginning in the future. */
const ASSERTION = { lifetime: 3600, clockSkew: 10 } as const;

const schema = z.strictObject({
  type: z.literal("service_account"),
  file_ref: storedFileNameSchema.openapi({ description: "The uploaded key of the service account." }),
  sa_scopes: scopesSchema.optional(),
  sa_token_url: z.string().min(1).max(2048).optional(),
  sa_subject: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .openapi({ description: "The user to act for, with domain-wide delegation." }),
  sa_access_token: keptTokenFields.access_token,
  sa_expires_at: keptTokenFields.expires_at,
  sa_issued_at: keptTokenFields.issued_at,
});

type Config = z.output<typeof schema>;

/** A Google service account: a signed assertion is exchanged for an access token (RFC 7523 §2.1). */
export const serviceAccountStrategy: AuthStrategy<Config> = {
  type: "service_account",
  schema,
  secretFields: [],
  check(config, { destination }) {
    if (config.sa_token_url !== undefined) {
      assertEndpointUrl(config.sa_token_url, "auth.sa_token_url", destination.allowPrivate);
    }
  },
  async readFiles(config, readFile) {
    await readKey(config, readFile);
    return config;
  },
  describe: (config) => ({ scopes: scopesOf(config), file_ref: config.file_ref }),
  secrets: ({ sa_access_token: token }) => (token === undefined ? [] : [token]),
  renewal: {
    keptFields: ["sa_access_token", "sa_expires_at", "sa_issued_at"],
    stored: (config) => storedToken(unprefixed(config)),
    keep(config, token) {
      const { access_token, expires_at, issued_at } = keptToken(token);
      return {
        ...config,
        sa_access_token: access_token,
        sa_expires_at: expires_at,
        sa_issued_at: issued_at,
      };
    },
    async issue(config, { destination }, tools, signal) {
      const { account, key } = await readKey(config, tools.readFile);
      const url = config.sa_token_url ?? GOOGLE_TOKEN_URL;
      const issuedAt = Math.floor(tools.clock() / 1000) - ASSERTION.clockSkew;
      const assertion = await signJsonWebToken(
        {
          iss: account.clientEmail,
          scope: scopesOf(config).join(" "),
          aud: url,
          iat: issuedAt,
          exp: issuedAt + ASSERTION.lifetime,
          ...(config.sa_subject === undefined ? {} : { sub: config.sa_subject }),
        },
        key,
        account.privateKeyId,
      );
      const token = await tools.requestToken(
        {
          url,
          destination,
          client: undefined,
          grantType: JWT_BEARER_GRANT,
          parameters: { assertion },
          bodyFormat: "form",
        },
        signal,
      );
      return { ...token, refreshToken: undefined };
    },
  },
  createInjector: (_, token) => createAccessTokenInjector(token),
};

function scopesOf({ sa_scopes: scopes = [] }: Config): string[] {
  return scopes.length === 0 ? DEFAULT_SCOPES : scopes;
}

function unprefixed(config: Config): KeptToken {
  return {
    access_token: config.sa_access_token,
    expires_at: config.sa_expires_at,
    issued_at: config.sa_issued_at,
  };
}

async function readKey(
  { file_ref: name }: Config,
  readFile: ReadFile,
): Promise<{ account: GoogleKey; key: SigningKey }> {
  const field = "auth.file_ref";
  const account = parseGoogleKeyFile(await readNamedFile(readFile, name, field), field);
  return { account, key: await readSigningKey(account.privateKey.reveal(), field, "RS256") };
}
