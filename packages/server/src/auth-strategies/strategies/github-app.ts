import { z } from "@hono/zod-openapi";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { assertEndpointUrl } from "../../network/base-url.js";
import type { BoundedAnswer } from "../../network/bounded-request.js";
import { Secret } from "../../redaction/secret.js";
import { createAccessTokenInjector } from "../access-token-injector.js";
import type { AuthStrategy } from "../auth-strategy.js";
import { assertOneKey, configuredKeyFields, readConfiguredKey } from "../configured-key.js";
import type { IssuedToken } from "../issued-token.js";
import { signJsonWebToken } from "../json-web-token.js";
import { KEPT_TOKEN_FIELD_NAMES, keptToken, keptTokenFields, storedToken } from "../kept-token.js";
import { reauthorizationRequired, TokenEndpointError } from "../oauth2/token-endpoint-error.js";
import { unreachableTokenEndpoint } from "../oauth2/token-endpoint.js";

const GITHUB_API = "https://api.github.com";

/** Seconds. GitHub takes ten minutes at most, and clocks may differ by one. */
const ASSERTION = { lifetime: 540, clockSkew: 60 } as const;

const appId = z
  .union([
    z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "must be letters and digits"),
    z.int().positive(),
  ])
  .transform(String);

/** It becomes a segment of a path. */
const installationId = z
  .union([z.string().regex(/^[1-9][0-9]{0,18}$/, "must be a number"), z.int().positive()])
  .transform(String);

const schema = z.strictObject({
  type: z.literal("github_app"),
  app_id: appId.openapi({ description: "The app's id or client id." }),
  installation_id: installationId,
  ...configuredKeyFields,
  api_url: z
    .string()
    .min(1)
    .max(2048)
    .default(GITHUB_API)
    .openapi({ description: "Of GitHub Enterprise Server: https://HOST/api/v3" }),
  repositories: z.array(z.string().min(1).max(256)).max(500).optional().openapi({
    description: "Names of the repositories that the token is for; all of the installation without.",
  }),
  permissions: z
    .record(z.string().min(1).max(64), z.enum(["read", "write", "admin"]))
    .optional()
    .openapi({ description: "What the token may do; all that the installation may without." }),
  ...keptTokenFields,
});

type Config = z.output<typeof schema>;

const answerSchema = z.object({
  token: z
    .string()
    .max(16_384)
    .regex(/^[\x21-\x7e]+$/),
  expires_at: z.string(),
});

/** A GitHub App: a signed assertion is exchanged for an installation access token. */
export const githubAppStrategy: AuthStrategy<Config> = {
  type: "github_app",
  schema,
  secretFields: ["private_key"],
  secretFiles: { private_key: "key_file" },
  check(config, { destination }) {
    assertEndpointUrl(config.api_url, "auth.api_url", destination.allowPrivate);
    if (config.api_url.includes("?")) {
      throw new VaultProxyError("invalid_request", "auth.api_url: must not hold a query");
    }
    assertOneKey(config);
  },
  async readFiles(config, readFile) {
    await readConfiguredKey(config, readFile, "RS256");
    return config;
  },
  describe: ({ key_file }) => (key_file === undefined ? {} : { key_file }),
  secrets: ({ private_key, access_token }) =>
    [private_key, access_token].filter((secret) => secret !== undefined),
  // The key is never sent anywhere, so that no answer can hold it.
  searched: ({ access_token: secret }) => (secret === undefined ? [] : [{ secret }]),
  renewal: {
    keptFields: KEPT_TOKEN_FIELD_NAMES,
    stored: storedToken,
    keep: (config, token) => ({ ...config, ...keptToken(token) }),
    async issue(config, { destination }, { send, readFile, clock }, signal) {
      const now = Math.floor(clock() / 1000);
      const issuedAt = now - ASSERTION.clockSkew;
      const assertion = await signJsonWebToken(
        { iss: config.app_id, iat: issuedAt, exp: issuedAt + ASSERTION.lifetime },
        await readConfiguredKey(config, readFile, "RS256"),
        undefined,
      );
      const { repositories, permissions } = config;
      let answer: BoundedAnswer;
      try {
        answer = await send({
          url: `${config.api_url.replace(/\/+$/, "")}/app/installations/${config.installation_id}/access_tokens`,
          method: "POST",
          headers: {
            authorization: `Bearer ${assertion}`,
            accept: "application/vnd.github+json",
            "content-type": "application/json",
            "user-agent": "vault-proxy",
            "x-github-api-version": "2022-11-28",
          },
          body: JSON.stringify({ repositories, permissions }),
          destination,
          signal,
        });
      } catch (error) {
        signal.throwIfAborted();
        throw unreachableTokenEndpoint(error);
      }
      return parseAnswer(answer, now);
    },
  },
  createInjector: (_, token) => createAccessTokenInjector(token),
};

function parseAnswer({ status, body }: BoundedAnswer, now: number): IssuedToken {
  // 401: the key or the app is gone; 404: the installation.
  if (status === 401 || status === 404) throw reauthorizationRequired();
  const answer = status === 201 || status === 200 ? answerSchema.safeParse(parseJson(body)) : undefined;
  const expiresAt =
    answer?.success === true ? Math.floor(Date.parse(answer.data.expires_at) / 1000) : Number.NaN;
  if (answer?.success !== true || !(expiresAt > now)) {
    throw new TokenEndpointError(
      "oauth2_refresh_failed",
      `the provider answered with status ${status} and without a token`,
      { isTemporary: status < 400 || status === 429 || status >= 500 },
    );
  }
  return { accessToken: new Secret(answer.data.token), issuedAt: now, expiresAt, hasLifetime: true };
}

function parseJson(body: Buffer): unknown {
  try {
    // Unlike toString it leaves a byte order mark out.
    return JSON.parse(new TextDecoder().decode(body)) as unknown;
  } catch {
    return undefined;
  }
}
