/** `npm run test:machine`: README.md and docs/deploy.md on a Debian with systemd, Podman and Docker; needs root, and five minutes. */
import path from "node:path";
import { ROOT, run, runScript } from "./run-process.mjs";
import { ensureMachinePackages, ensureSystemPackages } from "./system-packages.mjs";
import { ensureBuilt } from "./workspace.mjs";

const TIMEOUT_MS = 1_200_000;

await runScript(async () => {
  await ensureBuilt();
  await ensureSystemPackages(["curl", "iproute2", "mount", "procps", "python3"]);
  await ensureMachinePackages();
  const finished = await run(
    path.join(ROOT, "node_modules/.bin/vitest"),
    ["run", "--config", "vitest.machine.config.ts", "--reporter=verbose"],
    { show: true, timeoutMs: TIMEOUT_MS },
  );
  return finished.ok ? 0 : 1;
});
