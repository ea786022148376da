/**
 * The types and the lint rules of all sources, by the native compiler and the linter that stands on it (tsgolint): a fifth
 * of the processor's time that eslint takes. The rules are those of eslint.config.js, which editors and `npx eslint FILE` go
 * by. Exits 1 for any error or warning.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import config from "../eslint.config.js";
import { ROOT, run } from "./run-process.mjs";

/** What eslint has and the linter has not: those are for editors to say. A rule that is not named here must be there. */
const NOT_THERE = new Set(["@typescript-eslint/no-unsafe-class-instance-assignment"]);
const BIN = path.join(ROOT, "node_modules/.bin");

const types = await run(path.join(BIN, "tsc"), ["--project", ROOT]);
process.stdout.write(types.output);

// Its patterns are of paths below its own folder.
const rules = path.join(ROOT, ".oxlint-of-eslint.json");
writeFileSync(rules, JSON.stringify(linterConfig()));
const lint = await run(path.join(BIN, "oxlint"), [
  ...["--config", rules, "--disable-nested-config", "--type-aware", "--deny-warnings"],
  ...["packages", "test", "vitest.config.ts"],
]);
process.stdout.write(lint.output);
process.exitCode = types.ok && lint.ok ? 0 : 1;

/** eslint.config.js as oxlint has it. */
function linterConfig() {
  /** @param {unknown} setting */
  const isOn = (setting) => {
    const level = /** @type {unknown} */ (Array.isArray(setting) ? setting[0] : setting);
    return level !== 0 && level !== "off";
  };
  const known = new Set(
    config.flatMap(({ rules = {} }) => Object.keys(rules).filter((name) => isOn(rules[name]))),
  );
  for (const name of NOT_THERE) known.delete(name);
  const entries = config.map(({ files, rules = {} }) => ({
    // A list in it means all of its patterns; the first of them is the narrowest.
    files: [...new Set((files ?? []).map((pattern) => (Array.isArray(pattern) ? pattern[0] : pattern)))],
    rules: Object.fromEntries(
      Object.entries(rules)
        .filter(([name]) => known.has(name))
        .map(([name, setting]) => [name.replace("@typescript-eslint/", "typescript/"), setting]),
    ),
  }));
  return {
    plugins: ["typescript", "eslint"],
    categories: { correctness: "off" },
    ignorePatterns: config.flatMap(({ files, ignores }) => (files === undefined ? (ignores ?? []) : [])),
    overrides: entries.filter(({ files }) => files.length > 0),
  };
}
