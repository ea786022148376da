import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import { expect, test } from "vitest";

import type { Preset } from "./preset.js";
import { loadPresets } from "./preset-catalogue.js";
import { credentialPlace } from "./preset-facts.js";
import { sdkVariables } from "./sdk-variables.js";
import { callersPrefix, servicePlace } from "./service-place.js";

/* `vitest run -u` on this file writes the table of docs/presets.md anew. */

const PAGE = fileURLToPath(new URL("../../../../docs/presets.md", import.meta.url));
const HEAD = ["id", "API", "stored as", "paths begin with", "credential", "SDK", "test call"];

test("docs/presets.md has every preset, as the file has it", async () => {
  const catalogue = await loadPresets();
  const rows = await Promise.all(
    catalogue.ids.map(async (id) => {
      const preset = await catalogue.get(id);
      return preset === undefined ? [] : row(id, preset);
    }),
  );
  const lines = [HEAD, HEAD.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  const [before = ""] = (await readFile(PAGE, "utf8")).split("\n| id ");
  const page = await format(`${before.trimEnd()}\n\n${lines.join("\n")}\n`, {
    parser: "markdown",
    printWidth: 110,
  });
  await expect(page).toMatchFileSnapshot(PAGE);
});

function row(id: string, preset: Preset): string[] {
  const prefix = callersPrefix(preset);
  const { baseUrl } = sdkVariables(preset, prefix);
  const variables = [...(baseUrl === undefined ? [] : [`**${baseUrl}**`]), ...(preset.env ?? [])];
  return [
    `\`${id}\``,
    `[${preset.title}](${preset.docs})`,
    `\`${servicePlace(preset, preset.base_url).baseUrl}\``,
    prefix === "" ? "" : `\`${prefix}\``,
    credentialPlace(preset).startsWith("a ") ? "login" : `\`${credentialPlace(preset)}\``,
    variables.map((name) => name.replaceAll("_", "\\_")).join(", "),
    preset.test === undefined ? "" : `\`${preset.test.method} ${prefix}${preset.test.path}\``,
  ];
}
