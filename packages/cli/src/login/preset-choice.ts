import type { CommandContext } from "../command-context.js";
import { UsageError } from "../failures.js";
import type { Preset, PresetLogin } from "../presets/preset.js";
import { loadPresets, type PresetCatalogue } from "../presets/preset-catalogue.js";
import { askChoice, canAsk } from "../prompt.js";
import type { LoginFlags } from "./login-flags.js";

/** A preset that knows how to log in. */
export type LoginPreset = Preset & { readonly oauth2: PresetLogin };

/**
 * The preset that `--preset` names, or without it and without endpoints the service's own name. A name may stand for
 * several APIs (`google`); then a terminal asks which, unless `--base-url` says it.
 */
export async function choosePreset(
  context: CommandContext,
  service: string,
  flags: LoginFlags,
): Promise<LoginPreset | undefined> {
  const presets = await loadPresets();
  const name = flags.preset ?? (knowsEndpoints(flags) ? undefined : service.toLowerCase());
  if (name === undefined) return undefined;
  const ids = presets.ids.includes(name) ? [name] : presets.idsOfFamily(name);
  const [first] = ids;
  if (first === undefined) {
    if (flags.preset === undefined) return undefined;
    throw new UsageError(`there is no preset "${name}"`, `with a login: ${presets.idsWithLogin.join(", ")}`);
  }
  const isSettled = ids.length === 1 || flags.baseUrl !== undefined;
  return loginPreset(
    presets,
    isSettled ? first : await askWhich(context, presets, name, ids),
    flags,
    context.bin,
  );
}

function knowsEndpoints({ authUrl, tokenUrl, deviceUrl, clientSecretFile }: LoginFlags): boolean {
  return [authUrl, tokenUrl, deviceUrl, clientSecretFile].some((flag) => flag !== undefined);
}

async function askWhich(
  context: CommandContext,
  presets: PresetCatalogue,
  name: string,
  ids: readonly string[],
): Promise<string> {
  if (!canAsk(context)) {
    throw new UsageError(
      `"${name}" stands for several APIs`,
      `use --preset ${ids.join(" | ")}, or --base-url`,
    );
  }
  const choices = ids.map(async (id) => ({ value: id, label: (await presets.get(id))?.title ?? id }));
  return askChoice(context, "Which API?", await Promise.all(choices));
}

async function loginPreset(
  presets: PresetCatalogue,
  id: string,
  flags: LoginFlags,
  bin: string,
): Promise<LoginPreset | undefined> {
  const preset = await presets.get(id);
  if (preset?.oauth2 !== undefined) {
    const { token_header: header } = preset.oauth2;
    if (header === undefined) return { ...preset, oauth2: preset.oauth2 };
    throw new UsageError(
      `${preset.title} takes its tokens in ${header}, and the vault sends those of a login as Authorization: Bearer`,
      `use \`${bin} service add ${id}\` with a token of its own`,
    );
  }
  if (flags.preset === undefined) return undefined;
  throw new UsageError(
    `no login at ${preset?.title ?? id} is known`,
    `use \`${bin} service add\`, or give its endpoints`,
  );
}
