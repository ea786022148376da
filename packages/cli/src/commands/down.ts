import { setTimeout as delay } from "node:timers/promises";

import type { ConfigureCommand } from "../command-definition.js";
import { addDataDirectoryOption, dataDirectory, type DataDirectoryOptions } from "../data-directory.js";
import { CliError } from "../failures.js";
import { addExamples } from "../help-examples.js";

/** The server lets calls end for five seconds. */
const STOP_MS = 20_000;
const LOOK_EVERY_MS = 50;

export const configureDown: ConfigureCommand = (command, perform) => {
  addDataDirectoryOption(command);
  command.addHelpText(
    "after",
    "\nStops the vault-server that holds the data directory, which locks the vault. Calls under way have five seconds.",
  );
  addExamples(command, "% down", "% down --data-dir /srv/vault");
  command.action((options: DataDirectoryOptions) =>
    perform(async ({ env, output }) => {
      const { findLockHolder } = await import("@vault-proxy/server/vault-file");
      const directory = dataDirectory(options, env);
      const holder = await findLockHolder(directory);
      if (holder?.liveness === "elsewhere") {
        throw new CliError(
          `a vault-server of another host or container holds ${directory}`,
          "stop it where it was started",
        );
      }
      if (holder?.liveness !== "alive") {
        if (output.json) output.data({ stopped: false });
        else output.confirm(`No vault-server holds ${directory}.`);
        return undefined;
      }
      stop(holder.pid);
      const deadline = performance.now() + STOP_MS;
      while ((await findLockHolder(directory))?.pid === holder.pid) {
        if (performance.now() > deadline)
          throw new CliError(`vault-server (pid ${holder.pid}) does not stop`);
        await delay(LOOK_EVERY_MS);
      }
      if (output.json) output.data({ stopped: true, pid: holder.pid });
      else output.confirm(`vault-server (pid ${holder.pid}) is stopped.`);
      return undefined;
    }),
  );
};

function stop(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ESRCH") return;
    throw new CliError(`vault-server (pid ${pid}) is another user's`, "stop it as that user, or as root");
  }
}
