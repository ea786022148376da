import type { CommandContext } from "../command-context.js";
import type { PresetCatalogue } from "../presets/preset-catalogue.js";
import { askChoice, askOneOfMany } from "../prompt.js";
import { AUTH_TYPES, type AuthType } from "../service-definition.js";
import { isSessionType } from "../session-types/registry.js";

/** What a person chose to add: an API that is known, or a type. */
export type ChosenKind = { readonly preset: string } | { readonly type: AuthType };

const OTHER_API = "other";
const PRESET = "preset:";
const TYPE = "type:";

/** Asks what the service is: one list of all presets and of all that is no API, searched by typing. */
export async function askKind(context: CommandContext, catalogue: PresetCatalogue): Promise<ChosenKind> {
  const types = Object.keys(AUTH_TYPES) as AuthType[];
  const isServer = (type: AuthType): boolean => isSessionType(type) || type === "ssh_key";
  const servers = types.filter(isServer).map((type) => ({ value: `${TYPE}${type}`, label: typeLabel(type) }));
  const presets = [...catalogue.titles].map(([id, title]) => ({
    value: `${PRESET}${id}`,
    label: presetLabel(id, title),
  }));
  const chosen = await askOneOfMany(context, "What is it? Type to search", [
    { value: OTHER_API, label: "an API that is not in this list" },
    ...servers,
    ...presets,
  ]);
  if (chosen.startsWith(PRESET)) return { preset: chosen.slice(PRESET.length) };
  const server = types.find((type) => chosen === `${TYPE}${type}`);
  if (server !== undefined) return { type: server };
  const apis = types.filter((type) => !isServer(type));
  const choices = apis.map((type) => ({ value: type, label: typeLabel(type) }));
  return { type: await askChoice(context, "Where does its credential go?", choices) };
}

function typeLabel(type: AuthType): string {
  return `${type}: ${AUTH_TYPES[type]}`;
}

function presetLabel(id: string, title: string): string {
  return title.toLowerCase() === id ? title : `${title} (${id})`;
}
