import type { ReadFile } from "../auth-strategies/auth-strategy.js";
import type { IssuedToken } from "../auth-strategies/issued-token.js";
import type { ClientAuthentication } from "../auth-strategies/oauth2/client-authentication.js";
import { parseGoogleClientFile, type GoogleClient } from "../auth-strategies/oauth2/google-client-file.js";
import type { OAuth2Client, TokenRequest } from "../auth-strategies/oauth2/token-endpoint.js";
import {
  serviceDefinitionSchema,
  toServiceRecord,
  type ServiceRecord,
} from "../auth-strategies/service-definition.js";
import { destinationOf } from "../auth-strategies/service-destination.js";
import { readSigningKey } from "../auth-strategies/signing-key.js";
import { readNamedFile } from "../auth-strategies/stored-file-name.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { RequestDestination } from "../network/bounded-request.js";
import type { Secret } from "../redaction/secret.js";
import { FlowError } from "./flow-failure.js";
import type { LoginRequest } from "./login-schema.js";

/** A login made ready: all that was asked for is checked, so that nothing of it fails after the person has logged in. */
export interface Login {
  readonly serviceName: string;
  /** The client file that the request named. */
  readonly file: GoogleClient | undefined;
  readonly client: OAuth2Client;
  readonly destination: RequestDestination;
  /** A request to the token endpoint for this grant. */
  tokenRequest(grantType: string, parameters: Readonly<Record<string, string>>): TokenRequest;
  /**
   * The service to be stored.
   * @throws FlowError `no_refresh_token`
   */
  recordOf(issued: IssuedToken): ServiceRecord;
}

/** @throws VaultProxyError `invalid_request` that names the field */
export async function prepareLogin(request: LoginRequest, readFile: ReadFile): Promise<Login> {
  const file = await readClientFile(request, readFile);
  const clientId = file?.clientId ?? request.client_id ?? missing("client_id");
  const clientSecret = file === undefined ? request.client_secret : file.clientSecret;
  const tokenUrl = file?.tokenUrl ?? request.token_url ?? missing("token_url");
  const auth = {
    type: "oauth2_client",
    client_id: clientId,
    client_secret: clientSecret?.reveal(),
    token_url: tokenUrl,
    refresh_url: request.refresh_url,
    scopes: request.scopes,
    client_auth: request.client_auth,
    client_key_file: request.client_key_file,
    client_key_id: request.client_key_id,
    token_body: request.token_body,
    extra: request.extra,
    issuer: request.issuer,
  };
  const withTokens = (issued: IssuedToken | undefined, refreshToken: string): ServiceRecord =>
    recordWith(request, {
      ...auth,
      refresh_token: refreshToken,
      access_token: issued?.accessToken.reveal(),
      issued_at: issued?.issuedAt,
      expires_at: issued?.expiresAt,
    });
  withTokens(undefined, "a placeholder, to see whether the rest can be stored");

  const client = { id: clientId, authentication: await authenticationOf(request, clientSecret, readFile) };
  const destination = destinationOf(request);
  return {
    serviceName: request.service_name,
    ...{ file, client, destination },
    tokenRequest: (grantType, parameters) => ({
      ...{ client, destination, grantType },
      url: tokenUrl,
      issuer: request.issuer,
      parameters: { ...request.extra, ...parameters },
      bodyFormat: request.token_body ?? "form",
    }),
    recordOf(issued) {
      if (issued.refreshToken !== undefined) return withTokens(issued, issued.refreshToken.reveal());
      if (request.long_lived_token && !issued.hasLifetime) {
        return recordWith(request, { type: "bearer", token: issued.accessToken.reveal() });
      }
      throw new FlowError("no_refresh_token", whyNoRefreshToken(issued));
    },
  };
}

function whyNoRefreshToken({ hasLifetime }: IssuedToken): string {
  const advice = hasLifetime
    ? "it may want another scope (such as offline_access) or parameter for that"
    : "if its tokens never end, say so with long_lived_token";
  return `the provider gave no refresh token: ${advice}`;
}

async function readClientFile(request: LoginRequest, readFile: ReadFile): Promise<GoogleClient | undefined> {
  const field = "client_secret_file";
  const { [field]: name } = request;
  if (name === undefined) return undefined;
  for (const other of ["client_id", "client_secret", "token_url", "auth_url"] as const) {
    if (other in request && (request as Partial<Record<string, unknown>>)[other] !== undefined) {
      throw new VaultProxyError("invalid_request", `${other}: is in the ${field} already`);
    }
  }
  return parseGoogleClientFile(await readNamedFile(readFile, name, field), field);
}

async function authenticationOf(
  request: LoginRequest,
  secret: Secret | undefined,
  readFile: ReadFile,
): Promise<ClientAuthentication> {
  const method = request.client_auth ?? (secret === undefined ? "none" : "post");
  if (method === "none") return { method };
  if (method !== "private_key_jwt") return { method, secret: secret ?? missing("client_secret") };
  const field = "client_key_file";
  const pem = await readNamedFile(readFile, request.client_key_file ?? missing(field), field);
  return { method, key: await readSigningKey(pem.toString("utf8"), field), keyId: request.client_key_id };
}

/** @throws VaultProxyError `invalid_request` */
function recordWith(request: LoginRequest, auth: Readonly<Record<string, unknown>>): ServiceRecord {
  const settings = Object.keys(serviceDefinitionSchema.shape).map((field) => [
    field,
    (request as Readonly<Record<string, unknown>>)[field],
  ]);
  const definition: unknown = { ...Object.fromEntries(settings), name: request.service_name, auth };
  const parsed = serviceDefinitionSchema.safeParse(withoutUndefined(definition));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.path.filter((part) => part !== "auth").join(".") ?? "";
    throw new VaultProxyError("invalid_request", `${field}: cannot be stored in a service`, {
      cause: parsed.error,
    });
  }
  return asLoginField(() => toServiceRecord(parsed.data));
}

/** The request has the fields of `auth` beside those of the service. */
function asLoginField<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof VaultProxyError)) throw error;
    throw new VaultProxyError(error.code, error.message.replace(/^auth\./, ""), { cause: error });
  }
}

function withoutUndefined(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => [key, withoutUndefined(inner)]),
  );
}

function missing(field: string): never {
  throw new VaultProxyError("invalid_request", `${field}: is required`);
}
