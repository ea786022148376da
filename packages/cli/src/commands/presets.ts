import { UsageError } from "../failures.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { nearNames } from "../near-names.js";
import type { Preset } from "../presets/preset.js";
import { loadPresets } from "../presets/preset-catalogue.js";
import { credentialKind } from "../presets/preset-facts.js";

const HEAD = ["ID", "CREDENTIAL", "SDK VARIABLE", "API"];

export const configurePresets: ConfigureCommand = (command, perform) => {
  command
    .argument("[search]", "a part of id, title or category")
    .option("--category <name>", "of one kind only, such as ai");
  command.addHelpText(
    "after",
    "\n`service add ID` stores an API's key, `oauth login ID` logs in to it, `presets show ID` tells all that is known.\n" +
      "An SDK VARIABLE is what `run --env ID` sets for a program; APIs without one do not go with --env.",
  );
  addExamples(command, "% presets", "% presets google", "% presets --category ai", "% presets show openai");
  command.action((search: string | undefined, { category }: { readonly category?: string }) =>
    perform(async ({ output }) => {
      const catalogue = await loadPresets();
      const all = await Promise.all(catalogue.ids.map(async (id) => [id, await catalogue.get(id)] as const));
      const categories = [...new Set(all.map(([, preset]) => preset?.category ?? ""))].sort();
      if (category !== undefined && !categories.includes(category)) {
        throw new UsageError(`there is no category "${category}"`, `there are ${categories.join(", ")}`);
      }
      const found = all.flatMap(([id, preset]) =>
        preset !== undefined &&
        isMeant(id, preset, search) &&
        (category ?? preset.category) === preset.category
          ? [{ id, preset }]
          : [],
      );
      if (output.json) {
        output.data(found.map(({ id, preset }) => ({ id, ...preset })));
        return undefined;
      }
      if (found.length === 0) {
        const near = nearNames(search ?? "", catalogue.titles);
        const meant = near.length === 0 ? "" : ` Did you mean ${near.join(", ")}?`;
        output.note(`No preset fits.${meant}`);
        return undefined;
      }
      const rows = found.map(({ id, preset }) => [
        id,
        credentialKind(preset),
        variable(preset),
        preset.title,
      ]);
      await output.table(HEAD, rows);
      return undefined;
    }),
  );
};

function isMeant(id: string, { title, category, family }: Preset, search: string | undefined): boolean {
  if (search === undefined) return true;
  const wanted = search.toLowerCase();
  return [id, title, category, family ?? ""].some((text) => text.toLowerCase().includes(wanted));
}

/** Without it `run --env` cannot tell programs where the API is. */
function variable({ sdk_base_url_env: sdk, env }: Preset): string {
  return env === undefined ? "" : (sdk?.name ?? "");
}
