import { expect, test } from "vitest";

import { loadPresets } from "./presets/preset-catalogue.js";
import { nearNames } from "./near-names.js";

test.each([
  ["opneai", ["openai"]],
  ["OpenAI", ["openai", "azure-openai"]],
  ["gemini", ["google-gemini"]],
  ["githb", ["github"]],
  ["stirpe", ["stripe"]],
  ["openai-work", ["openai"]],
  ["hugging face hub", ["huggingface"]],
  ["api", []],
  ["zzzzzzzz", []],
  ["---", []],
])("%s may have been meant as %j", async (word, ids) => {
  const { titles } = await loadPresets();
  expect(nearNames(word, titles)).toEqual(expect.arrayContaining(ids));
  expect(nearNames(word, titles).slice(0, 1)).toEqual(ids.slice(0, 1));
});

test("of many that are near, the nearest are named", () => {
  const titles = new Map(["acmes", "acmee", "acme", "xacme", "yacme", "zacme"].map((id) => [id, id]));
  expect(nearNames("acme", titles)).toHaveLength(4);
  expect(nearNames("acme", titles)[0]).toBe("acme");
});
