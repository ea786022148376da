import { expect, test } from "vitest";

import { COMMANDS, GROUPS } from "../commands/registry.js";
import { completionsOf } from "./candidates.js";

const names = {
  services: () => Promise.resolve(["work"]),
  presets: () => Promise.resolve(["stripe", "openai"]),
};
const completed = async (words: readonly string[], current: string) =>
  (await completionsOf({ commands: COMMANDS, groups: GROUPS }, words, current, names)).map(
    ({ word }) => word,
  );

test("a service to add is completed by presets, and one to change by those that there are", async () => {
  expect(await completed(["service", "add"], "str")).toEqual(["stripe"]);
  expect(await completed(["service", "update"], "")).toEqual(["work"]);
  expect(await completed(["service", "update", "work"], "--hel")).toEqual(["--help"]);
});
