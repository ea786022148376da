import type { BrowserLogin, DeviceLogin } from "@vault-proxy/client";

import { mergedHeaders } from "../presets/merged-headers.js";
import { namedValues } from "../repeated-option.js";
import { serviceSettings } from "../service-settings.js";
import type { LoginFlags } from "./login-flags.js";
import type { PresetFields } from "./preset-login.js";

/** What the login cannot do without, after the questions. */
export interface LoginAnswers {
  readonly service: string;
  readonly baseUrl: string;
  readonly scopes: readonly string[];
  /** Both undefined with a client file. */
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
  readonly authUrl: string | undefined;
  readonly tokenUrl: string | undefined;
  readonly deviceUrl: string | undefined;
  /** Text of the file that `--tls-ca` names. */
  readonly tlsCa: string | undefined;
}

export function browserLogin(answers: LoginAnswers, flags: LoginFlags, preset: PresetFields): BrowserLogin {
  return {
    ...loginRequest(answers, flags, preset),
    auth_url: answers.authUrl,
    redirect_uri: flags.redirectUri,
    require_iss: flags.requireIss ? undefined : false,
  };
}

export function deviceLogin(answers: LoginAnswers, flags: LoginFlags, preset: PresetFields): DeviceLogin {
  return { ...loginRequest(answers, flags, preset), device_url: answers.deviceUrl };
}

/** What the command line says goes before the preset. */
function loginRequest(answers: LoginAnswers, flags: LoginFlags, preset: PresetFields): DeviceLogin {
  const settings = serviceSettings(answers.baseUrl, flags, answers.tlsCa);
  const hasSecret = answers.clientSecret !== undefined || flags.clientSecretFile !== undefined;
  return {
    ...settings,
    headers: mergedHeaders(preset.headers, settings.headers),
    service_name: answers.service,
    scopes: withOfflineScope(answers.scopes, preset.offlineScope),
    client_id: answers.clientId,
    client_secret: answers.clientSecret,
    client_secret_file: flags.clientSecretFile,
    // A client that was given no secret is a public one, whatever the provider's usual clients do.
    client_auth: flags.clientAuth ?? (hasSecret ? preset.client_auth : undefined),
    client_key_file: flags.clientKeyFile,
    client_key_id: flags.clientKeyId,
    token_url: answers.tokenUrl,
    refresh_url: flags.refreshUrl ?? preset.refresh_url,
    token_body: flags.tokenBody ?? preset.token_body,
    scope_separator: flags.scopeSeparator ?? preset.scope_separator,
    issuer: flags.issuer,
    extra: merged(preset.extra, namedValues("--extra", flags.extra)),
    authorize_params: merged(preset.authorize_params, namedValues("--authorize-param", flags.authorizeParam)),
    long_lived_token: flags.longLivedToken ?? preset.long_lived_token,
  };
}

function withOfflineScope(
  scopes: readonly string[],
  offline: string | undefined,
): readonly string[] | undefined {
  if (scopes.length === 0) return undefined;
  return offline === undefined || scopes.includes(offline) ? scopes : [...scopes, offline];
}

function merged(first: BrowserLogin["extra"], second: BrowserLogin["extra"]): BrowserLogin["extra"] {
  return first === undefined && second === undefined ? undefined : { ...first, ...second };
}
