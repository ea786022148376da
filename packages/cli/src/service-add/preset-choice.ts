import type { CommandContext } from "../command-context.js";
import { UsageError } from "../failures.js";
import { nearNames } from "../near-names.js";
import type { PresetCatalogue } from "../presets/preset-catalogue.js";
import { askChoice, canAsk } from "../prompt.js";
import type { ServiceAddOptions } from "./add-options.js";

/**
 * The id of the preset that the command line means: the one of `--preset`, or of the service's name where nothing says
 * what else the service is. A name may stand for several APIs (`atlassian`); then a terminal asks which.
 * @returns undefined if no preset is meant
 */
export async function namedPreset(
  context: CommandContext,
  catalogue: PresetCatalogue,
  name: string | undefined,
  options: ServiceAddOptions,
): Promise<string | undefined> {
  const wanted = (options.preset ?? (saysItself(options) ? undefined : name))?.toLowerCase();
  if (wanted === undefined) return undefined;
  if (catalogue.ids.includes(wanted)) return wanted;
  // An address is told of what no preset knows, or of a preset by its whole name: another place of the same API.
  if (options.preset === undefined && options.baseUrl !== undefined) return undefined;
  const family = catalogue.idsOfFamily(wanted);
  if (family.length > 0) return askWhich(context, catalogue, wanted, family);
  const near = nearNames(wanted, catalogue.titles);
  if (options.preset === undefined) {
    return near.length > 0 && canAsk(context) ? askNear(context, catalogue, wanted, near) : undefined;
  }
  throw new UsageError(
    `there is no preset "${wanted}"`,
    near.length > 0 ? `did you mean ${near.join(", ")}?` : `see \`${context.bin} presets\``,
  );
}

/** What to say where the name is no preset, and nothing else says what the service is. */
export function unknownService(
  context: CommandContext,
  catalogue: PresetCatalogue,
  name: string,
): UsageError {
  const near = nearNames(name, catalogue.titles);
  const such = near.length === 0 ? "" : `did you mean ${near.join(", ")}? Otherwise `;
  return new UsageError(
    `there is no preset "${name}", so --base-url and --type are missing`,
    `${such}give them, or a whole service as --from-json; see \`${context.bin} presets\``,
  );
}

/** Whether the command line says what the service is without a preset. */
function saysItself(options: ServiceAddOptions): boolean {
  const { baseUrl, bearerStdin, type, host, sshHost, headerName, paramName } = options;
  if (baseUrl !== undefined && bearerStdin === true) return true;
  return [type, host, sshHost, headerName, paramName].some((flag) => flag !== undefined);
}

async function askWhich(
  context: CommandContext,
  catalogue: PresetCatalogue,
  name: string,
  ids: readonly string[],
): Promise<string> {
  if (!canAsk(context)) {
    throw new UsageError(`"${name}" stands for several APIs`, `use --preset ${ids.join(" | ")}`);
  }
  return askChoice(context, "Which API?", choices(catalogue, ids));
}

async function askNear(
  context: CommandContext,
  catalogue: PresetCatalogue,
  name: string,
  ids: readonly string[],
): Promise<string | undefined> {
  const other = { value: "", label: "something else" };
  const id = await askChoice(context, `There is no preset "${name}". Is it one of these?`, [
    ...choices(catalogue, ids),
    other,
  ]);
  return id === "" ? undefined : id;
}

function choices(catalogue: PresetCatalogue, ids: readonly string[]): { value: string; label: string }[] {
  return ids.map((id) => ({ value: id, label: `${catalogue.titles.get(id) ?? id} (${id})` }));
}
