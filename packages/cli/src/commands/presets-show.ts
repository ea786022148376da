import type { ConfigureCommand } from "../command-definition.js";
import { CliError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { nearNames } from "../near-names.js";
import { loadPresets } from "../presets/preset-catalogue.js";
import { presetFacts } from "../presets/preset-facts.js";

const LABEL_WIDTH = 15;

export const configurePresetsShow: ConfigureCommand = (command, perform) => {
  command.argument("<id>", "such as openai; `presets` lists them");
  addExamples(command, "% presets show openai", "% presets show azure-openai --json");
  command.action((id: string) =>
    perform(async ({ bin, output }) => {
      const catalogue = await loadPresets();
      const wanted = id.toLowerCase();
      const preset = catalogue.ids.includes(wanted) ? await catalogue.get(wanted) : undefined;
      if (preset === undefined) {
        const near = [...catalogue.idsOfFamily(wanted), ...nearNames(wanted, catalogue.titles)];
        const hint =
          near.length === 0 ? `see \`${bin} presets\`` : `did you mean ${[...new Set(near)].join(", ")}?`;
        throw new CliError(`there is no preset "${wanted}"`, hint);
      }
      if (output.json) {
        output.data({ id: wanted, ...preset });
        return undefined;
      }
      for (const [name, value] of presetFacts(wanted, preset, bin)) {
        output.prose(`${name.padEnd(LABEL_WIDTH)}${value}`, LABEL_WIDTH);
      }
      return undefined;
    }),
  );
};
