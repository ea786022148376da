import type { ConfigureCommand } from "../command-definition.js";
import { CliError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { nearNames } from "../near-names.js";
import { loadPresets } from "../presets/preset-catalogue.js";
import { presetFacts } from "../presets/preset-facts.js";
import { wrappedText } from "../wrapped-text.js";

const LABEL_WIDTH = 15;
/** With the label before it, it fits 80 columns. */
const NOTE_WIDTH = 64;

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
        const lines = name === "note" ? wrappedText(value, NOTE_WIDTH) : [value];
        for (const [index, line] of lines.entries()) {
          output.result(`${(index === 0 ? name : "").padEnd(LABEL_WIDTH)}${line}`);
        }
      }
      return undefined;
    }),
  );
};
