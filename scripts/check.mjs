/** `npm run check`: every check of the sources; exits 1 if any failed. */
import { runChecks } from "./checks.mjs";
import { runScript } from "./run-process.mjs";
import { ensureInstalled } from "./workspace.mjs";

await runScript(async () => {
  await ensureInstalled();
  return (await runChecks()) === 0 ? 0 : 1;
});
