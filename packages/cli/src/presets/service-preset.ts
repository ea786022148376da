import type { Preset } from "./preset.js";
import type { PresetCatalogue } from "./preset-catalogue.js";
import { callersPrefix, servicePlace } from "./service-place.js";

/** A preset, as a service was made by it. */
export interface ServicePreset {
  readonly id: string;
  readonly preset: Preset;
  /** What callers put before the preset's paths: empty, or such as `/v1`. */
  readonly prefix: string;
}

/** The preset of a stored service: the one of its name or another at the same place; undefined if there is none. */
export async function presetOf(
  catalogue: PresetCatalogue,
  { name, base_url: baseUrl }: { readonly name: string; readonly base_url?: string },
): Promise<ServicePreset | undefined> {
  if (baseUrl === undefined || !URL.canParse(baseUrl)) return undefined;
  const ids = new Set([name.toLowerCase(), ...catalogue.idsAt(new URL(baseUrl).origin)]);
  for (const id of ids) {
    const preset = catalogue.ids.includes(id) ? await catalogue.get(id) : undefined;
    if (preset !== undefined && isPlaceOf(preset, baseUrl)) {
      return { id, preset, prefix: callersPrefix(preset) };
    }
  }
  return undefined;
}

/** The same, and where the service is at another place, such as a region's: the preset that it is named for, if of its type. */
export async function presetOfNamesake(
  catalogue: PresetCatalogue,
  service: { readonly name: string; readonly base_url?: string; readonly auth_type: string },
): Promise<ServicePreset | undefined> {
  const there = await presetOf(catalogue, service);
  if (there !== undefined || service.base_url === undefined) return there;
  const id = service.name.toLowerCase();
  const preset = await catalogue.get(id);
  if (preset?.auth.type !== service.auth_type) return undefined;
  return { id, preset, prefix: servicePlace(preset, service.base_url).prefix };
}

function isPlaceOf(preset: Preset, baseUrl: string): boolean {
  const { auth, tenant } = preset;
  const template = servicePlace(preset, preset.base_url).baseUrl;
  const own = auth.type === "url" ? template + presetUrlPath(auth.template) : template;
  const [before = "", ...after] = own.split("{tenant}");
  if (tenant === undefined || after.length === 0) return own === baseUrl;
  const middle = baseUrl.slice(before.length, baseUrl.length - after.join("{tenant}").length);
  return own.replaceAll("{tenant}", () => middle) === baseUrl && new RegExp(tenant.pattern).test(middle);
}

/** The part of a base URL that holds the secret, as the vault writes it: `/bot{token}` for `/bot{secret}{path}`. */
export function presetUrlPath(template: string): string {
  return template.replace("{path}", "").replace("{secret}", "{token}");
}
