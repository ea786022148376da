import type { BrowserLogin, DeviceLogin } from "@vault-proxy/client";

import type { TenantRule } from "../presets/preset.js";
import { servicePlace } from "../presets/service-place.js";
import { fillTenant, needsTenant } from "../presets/tenant.js";
import type { LoginPreset } from "./preset-choice.js";

/** What a preset says of a login: fields of the request to the vault. */
export type PresetFields = Partial<Omit<BrowserLogin & DeviceLogin, "service_name" | "base_url">> & {
  readonly base_url?: string;
  /** Added to the scopes that are asked for. */
  readonly offlineScope?: string | undefined;
};

/** What else decides which of the preset's fields count. */
export interface PresetUse {
  readonly baseUrl: string | undefined;
  /** An uploaded client file brings endpoints of its own. */
  readonly hasClientFile: boolean;
  readonly onDevice: boolean;
}

/** The rule of the tenant that this login cannot do without; undefined if it can. */
export function neededTenant(preset: LoginPreset, use: PresetUse): TenantRule | undefined {
  const { base_url, auth_url, token_url, refresh_url, device_url } = presetFields(preset, use, undefined);
  if (!needsTenant(base_url, auth_url, token_url, refresh_url, device_url)) return undefined;
  return preset.oauth2.tenant ?? preset.tenant;
}

/** @param tenant one that its rule allows */
export function presetFields(preset: LoginPreset, use: PresetUse, tenant: string | undefined): PresetFields {
  const { oauth2 } = preset;
  const fill = <Template extends string | undefined>(template: Template): Template | string =>
    template === undefined ? template : fillTenant(template, tenant);
  return {
    base_url: use.baseUrl ?? placeOf(preset, fill),
    headers: preset.required_headers,
    auth_url: use.hasClientFile || use.onDevice ? undefined : fill(oauth2.authorize_url),
    token_url: use.hasClientFile ? undefined : fill(oauth2.token_url),
    refresh_url: fill(oauth2.refresh_url),
    device_url: use.onDevice ? fill(oauth2.device_url) : undefined,
    client_auth: oauth2.client_auth,
    token_body: oauth2.token_body,
    scope_separator: oauth2.scope_separator,
    offlineScope: oauth2.offline_scope,
    authorize_params: use.onDevice ? undefined : oauth2.extra_authorize_params,
    extra: oauth2.extra_token_params,
    long_lived_token: oauth2.may_never_end,
  };
}

/** Where `service add` puts it too. */
function placeOf({ oauth2, ...preset }: LoginPreset, fill: (template: string) => string): string {
  const place = { ...preset, base_url: oauth2.base_url ?? preset.base_url };
  return fill(servicePlace(place, place.base_url).baseUrl);
}
