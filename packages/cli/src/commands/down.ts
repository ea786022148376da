import { setTimeout as delay } from "node:timers/promises";

import type { CommandContext, GlobalOptions } from "../command-context.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addDataDirectoryOption, dataDirectory, type DataDirectoryOptions } from "../data-directory.js";
import { CliError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { answersAt, listensNowhere } from "../local-server/own-address.js";
import type { Environment } from "../output.js";

/** The server lets calls end for five seconds. */
const STOP_MS = 20_000;
const LOOK_EVERY_MS = 50;
/** One that listens nowhere stops already, or does not listen yet. */
const UNASKED_MS = 6_000;

export const configureDown: ConfigureCommand = (command, perform) => {
  addDataDirectoryOption(command);
  command.addHelpText(
    "after",
    "\nStops the vault-server that holds the data directory, which locks the vault. Calls under way have five seconds." +
      "\nWhere VAULT_ADDR or --addr names another server than that, nothing is stopped; --data-dir goes before VAULT_ADDR.",
  );
  addExamples(command, "% down", "% down --data-dir /srv/vault");
  command.action((options: DataDirectoryOptions) =>
    perform(async (context) => {
      const { env, output } = context;
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
      const { addr } = command.optsWithGlobals<GlobalOptions>();
      if (addr !== undefined || (options.dataDir === undefined && namesServer(env))) {
        await assertMeant(context, holder.pid, directory);
      }
      const start = performance.now();
      let isAsked = false;
      while ((await findLockHolder(directory))?.pid === holder.pid) {
        const waited = performance.now() - start;
        // A second signal would end at once what the first one, of another `down`, lets end.
        if (!isAsked && (waited > UNASKED_MS || !(await listensNowhere(holder.pid)))) {
          stop(holder.pid);
          isAsked = true;
        }
        if (waited > STOP_MS) throw new CliError(`vault-server (pid ${holder.pid}) does not stop`);
        await delay(LOOK_EVERY_MS);
      }
      if (output.json) output.data({ stopped: true, pid: holder.pid });
      else output.confirm(`vault-server (pid ${holder.pid}) is stopped.`);
      return undefined;
    }),
  );
};

function namesServer({ VAULT_ADDR, VAULT_PROXY_SOCK }: Environment): boolean {
  return (VAULT_ADDR ?? "") !== "" || (VAULT_PROXY_SOCK ?? "") !== "";
}

/** @throws CliError where the address that was given is another server's: its agents would lose their vault */
async function assertMeant({ bin, connect }: CommandContext, pid: number, directory: string): Promise<void> {
  const client = await connect("no token");
  if (await answersAt(pid, client)) return;
  throw new CliError(
    `the vault-server that holds ${directory} (pid ${pid}) is not the one at ${client.addr}: nothing was stopped`,
    `name the other's data directory, or stop this one with \`${bin} down --data-dir ${directory}\` and no --addr`,
  );
}

function stop(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ESRCH") return;
    throw new CliError(`vault-server (pid ${pid}) is another user's`, "stop it as that user, or as root");
  }
}
