/**
 * `node scripts/check-answers.mjs FILE`: holds the answers that `test/contract/answer-recorder.mjs` wrote to FILE against the
 * OpenAPI document of the built server, for tests that are not TypeScript. Removes FILE; exits with 1 and says what is wrong.
 */
import { register } from "node:module";
import { runScript, ScriptError } from "./run-process.mjs";

register("./typescript-hooks.mjs", import.meta.url);

await runScript(async () => {
  const [path] = process.argv.slice(2);
  if (path === undefined) throw new ScriptError("which file?");
  const { checkRecord } = await import("../test/contract/recorded-answers.js");
  await checkRecord(path);
  return 0;
});
