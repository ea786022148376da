import type { ClientAuthentication, RequestParameters } from "./auth-definition.js";
import { numberField, objectAnswer, optionalStringFields, stringField } from "./answer.js";
import { pathSegment } from "./request-target.js";
import type { ServiceSettings } from "./services.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";

/** The service to be, and the client at the provider. */
interface LoginRequest extends ServiceSettings {
  readonly service_name: string;
  readonly scopes?: readonly string[] | undefined;
  /** An uploaded OAuth2 client of Google, in place of `client_id`, `client_secret` and endpoints. */
  readonly client_secret_file?: string | undefined;
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
  readonly token_url?: string | undefined;
  /** Where tokens are refreshed, if not at `token_url`. */
  readonly refresh_url?: string | undefined;
  readonly client_auth?: ClientAuthentication | undefined;
  /** Uploaded private key (PEM) for `private_key_jwt`. */
  readonly client_key_file?: string | undefined;
  readonly client_key_id?: string | undefined;
  readonly token_body?: "form" | "json" | undefined;
  /** Further parameters of token requests. */
  readonly extra?: RequestParameters | undefined;
  /** Further parameters of the request that the login begins with. */
  readonly authorize_params?: RequestParameters | undefined;
  /** Default: a space. */
  readonly scope_separator?: " " | "," | undefined;
  /** The provider's issuer identifier (RFC 9207). */
  readonly issuer?: string | undefined;
  /** Take an access token that never ends and comes without a refresh token; the service's type is `bearer` then. */
  readonly long_lived_token?: boolean | undefined;
}

export interface BrowserLogin extends LoginRequest {
  readonly auth_url?: string | undefined;
  /** Default: one of the client file's, or the vault's own address and `/auth/oauth2/callback`. */
  readonly redirect_uri?: string | undefined;
  /** Refuse an answer without `iss` (RFC 9207). Default: true if `issuer` is given. */
  readonly require_iss?: boolean | undefined;
}

export interface DeviceLogin extends LoginRequest {
  readonly device_url?: string | undefined;
}

export interface StartedBrowserLogin {
  /** What the person who logs in opens in a browser. */
  readonly auth_url: string;
  readonly state: string;
  /** Must be registered at the provider, byte for byte. */
  readonly redirect_uri: string;
  readonly message: string;
  /** For `oauthFlow` and `cancelOauthFlow`. */
  readonly flow: string;
  /** RFC 3339. */
  readonly expires_at: string;
}

export interface StartedDeviceLogin {
  /** What the person who logs in types at `verification_uri`. */
  readonly user_code: string;
  readonly verification_uri: string;
  /** The same with the code in it. */
  readonly verification_uri_complete?: string;
  readonly message: string;
  /** For `oauthFlow` and `cancelOauthFlow`. */
  readonly flow: string;
  /** RFC 3339. */
  readonly expires_at: string;
  /** Seconds between two questions of the vault's at the provider. */
  readonly interval: number;
}

export interface LoginStatus {
  readonly status: "pending" | "done" | "failed";
  readonly service_name: string;
  /** There was a service of that name before; of a login that is done. */
  readonly replaced?: true;
  /** A sentence for a person, of a login that failed. */
  readonly error?: string;
  /** Such as `access_denied` or `expired`. */
  readonly code?: string;
}

export async function oauthAuthorize(
  transport: Transport,
  login: BrowserLogin,
  options: CallOptions = {},
): Promise<StartedBrowserLogin> {
  const answer = await transport.json({
    ...options,
    method: "POST",
    target: "/auth/oauth2/authorize",
    body: login,
  });
  for (const field of ["auth_url", "state", "redirect_uri", "flow", "expires_at"]) stringField(answer, field);
  return objectAnswer(answer) as unknown as StartedBrowserLogin;
}

export async function oauthDevice(
  transport: Transport,
  login: DeviceLogin,
  options: CallOptions = {},
): Promise<StartedDeviceLogin> {
  const answer = await transport.json({
    ...options,
    method: "POST",
    target: "/auth/oauth2/device",
    body: login,
  });
  for (const field of ["user_code", "verification_uri", "flow", "expires_at"]) stringField(answer, field);
  optionalStringFields(answer, "verification_uri_complete");
  numberField(answer, "interval");
  return objectAnswer(answer) as unknown as StartedDeviceLogin;
}

export async function oauthFlow(
  transport: Transport,
  flow: string,
  options: CallOptions = {},
): Promise<LoginStatus> {
  const answer = await transport.json({ ...options, method: "GET", target: flowTarget(flow) });
  stringField(answer, "status");
  stringField(answer, "service_name");
  optionalStringFields(answer, "error", "code");
  return objectAnswer(answer) as unknown as LoginStatus;
}

export async function cancelOauthFlow(
  transport: Transport,
  flow: string,
  options: CallOptions = {},
): Promise<void> {
  await transport.json({ ...options, method: "DELETE", target: flowTarget(flow) });
}

function flowTarget(flow: string): string {
  return `/auth/oauth2/flows/${pathSegment(flow)}`;
}
