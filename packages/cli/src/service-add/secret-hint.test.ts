import { expect, test } from "vitest";

import type { Preset } from "../presets/preset.js";
import { secretHint } from "./secret-hint.js";

const PRESET: Preset = {
  ...{ title: "Acme", category: "data", base_url: "https://acme.example", docs: "https://acme.example/docs" },
  ...{ auth: { type: "bearer" }, key_pattern: "^ak_[a-z0-9]+$", confidence: "high" },
};

test.each([
  ["ak_hush1", undefined],
  ["xx_hush1", "does not look like a key of Acme"],
  [" ak_hush1", "white space"],
  ["ak_hush1\t", "white space"],
  ['"ak_hush1"', "quotation marks"],
  ["Bearer ak_hush1", 'begins with "Bearer"'],
  [`tok_${"h".repeat(43)}`, "a token of the vault"],
])("%j", (secret, hint) => {
  const found = secretHint(PRESET, secret);
  if (hint === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(hint);
  expect(found ?? "").not.toContain("hush");
});

test("where no shape is known, every key looks right", () => {
  const { key_pattern: _, ...plain } = PRESET;
  expect(secretHint(plain, "anything")).toBeUndefined();
});
