/** `npm run format`: writes every file in the form that `npm run check` wants. */
import { PYTHON_SDK, ensurePythonEnvironment, pythonCommand } from "./python-environment.mjs";
import { run, runScript } from "./run-process.mjs";
import { ensureInstalled } from "./workspace.mjs";

await runScript(async () => {
  await ensureInstalled();
  const prettier = await run("npx", ["--no-install", "prettier", "--write", "--log-level", "warn", "."], {
    show: true,
  });
  await ensurePythonEnvironment();
  const ruff = await run(pythonCommand("ruff"), ["format", "."], { cwd: PYTHON_SDK, show: true });
  return prettier.ok && ruff.ok ? 0 : 1;
});
