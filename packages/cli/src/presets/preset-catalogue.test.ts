import { expect, test } from "vitest";

import { loadPresets } from "./preset-catalogue.js";
import { isSupported } from "./preset-facts.js";

test("what the text of an entry tells is what the entry says", async () => {
  const catalogue = await loadPresets();
  const all = await Promise.all(catalogue.ids.map(async (id) => ({ id, preset: await catalogue.get(id) })));
  const idsWhere = (wanted: (preset: NonNullable<(typeof all)[number]["preset"]>) => boolean) =>
    all.flatMap(({ id, preset }) => (preset !== undefined && wanted(preset) ? [id] : []));
  expect(catalogue.idsWithKey).toEqual(
    idsWhere((preset) => isSupported(preset) && preset.login_only !== true),
  );
  expect(catalogue.idsWithSdk).toEqual(
    idsWhere((preset) => isSupported(preset) && preset.sdk_base_url_env !== undefined),
  );
  expect(catalogue.idsWithLogin).toEqual(idsWhere((preset) => preset.oauth2 !== undefined));
  expect(catalogue.ids).toEqual(expect.arrayContaining(["aws", "docker-hub"]));
  expect([...catalogue.idsWithKey, ...catalogue.idsWithSdk]).not.toContain("aws");
  expect([...catalogue.idsWithKey, ...catalogue.idsWithSdk]).not.toContain("docker-hub");
});
