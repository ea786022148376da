import { setTimeout as delay } from "node:timers/promises";

import type { Health, VaultClient } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import type { ConfigureCommand } from "../command-definition.js";
import { addDataDirectoryOption, dataDirectory, type DataDirectoryOptions } from "../data-directory.js";
import { CliError, UsageError } from "../failures.js";
import { addExamples } from "../help-examples.js";
import { listenFlag } from "../local-server/listen-flag.js";
import { answersAt } from "../local-server/own-address.js";
import { startServer, type StartedServer, type StartRequest } from "../local-server/start-server.js";
import { PASSWORD_SOURCES } from "../password.js";
import { addUnlockOptions, assertUnlockOptions, unlockAndSave, type UnlockOptions } from "../unlocking.js";

interface UpOptions extends DataDirectoryOptions, UnlockOptions {}

const LISTENS_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 50;

const STATES: ReadonlySet<string> = new Set(["locked", "unlocked"]);

/** Flags of the server that are this command's to give. */
const OWN_FLAGS = /^--(listen|data-dir)(=|$)/;

export const configureUp: ConfigureCommand = (command, perform) => {
  addUnlockOptions(
    addDataDirectoryOption(command.argument("[flags...]", "further flags of vault-server, after --")),
  );
  command.addHelpText(
    "after",
    "\nStarts vault-server in the background unless it runs, and unlocks the vault unless you have a session. It listens" +
      `\nwhere VAULT_ADDR or --addr says. The first time, you choose the password.\n${PASSWORD_SOURCES}`,
  );
  addExamples(command, "% up", "% up -- --log-level debug", "% up --addr http://127.0.0.1:9000");
  command.action((flags: readonly string[], options: UpOptions) =>
    perform(async (context) => {
      assertUnlockOptions(options);
      const refused = flags.find((flag) => OWN_FLAGS.test(flag));
      if (refused !== undefined) {
        throw new UsageError(`${refused} is not for up`, "give it --addr, or --data-dir before the --");
      }
      await bringUp(context, flags, options);
      return undefined;
    }),
  );
};

async function bringUp(context: CommandContext, flags: readonly string[], options: UpOptions): Promise<void> {
  const { env, output, bin } = context;
  const client = await context.connect("no token");
  if (listenFlag(client.addr) === undefined) {
    throw new UsageError(`up starts a server on this machine, and the address is ${client.addr}`);
  }
  const dataDir = dataDirectory(options, env);
  const found = await findRunning(client);
  if (found !== undefined) await assertHolds(client, dataDir, bin);
  const { running, started } =
    found === undefined
      ? await startOrJoin({ client, dataDir, flags, env })
      : { running: found, started: undefined };
  if (started === undefined && flags.length > 0) {
    output.warn("vault-server runs already: the flags after -- were not used");
  }
  if (started !== undefined) {
    output.note(`vault-server started (pid ${started.pid}); its log is ${started.logFile}`);
  }
  const health = running ?? started?.health;
  const isNew = health?.status === "locked" || !(await hasSession(context));
  if (isNew) {
    await unlockAndSave(context, client, options).catch(async (error: unknown) => {
      // All or nothing: what this command has begun does not stay behind.
      if (started === undefined) throw error;
      await started.stop();
      output.note("vault-server is stopped again.");
      throw error;
    });
  }
  if (output.json) {
    const { addr: address } = client;
    output.data({ address, started: started !== undefined, pid: started?.pid, log: started?.logFile });
    return;
  }
  output.confirm(`${started === undefined ? "vault-server runs" : "vault-server is up"} at ${client.addr}.`);
  output.confirm(isNew ? "Vault unlocked. Session saved." : "The vault is unlocked, and you have a session.");
  output.note(`Stop it with \`${bin} down\`.`);
}

/** Another `up` may be first, from a second terminal: the server that it started is as good. */
async function startOrJoin(
  request: StartRequest,
): Promise<{ running: Health | undefined; started: StartedServer | undefined }> {
  try {
    return { running: undefined, started: await startServer(request) };
  } catch (error) {
    const running = await startedMeanwhile(request);
    if (running === undefined) throw error;
    return { running, started: undefined };
  }
}

/** It holds the data directory a moment before it listens. */
async function startedMeanwhile({ client, dataDir }: StartRequest): Promise<Health | undefined> {
  const { findLockHolder } = await import("@vault-proxy/server/vault-file");
  const deadline = performance.now() + LISTENS_WITHIN_MS;
  while (performance.now() < deadline) {
    // Where that cannot be read, the reason is the one that the start has given.
    const holder = await findLockHolder(dataDir).catch(() => undefined);
    if (holder?.liveness !== "alive") return undefined;
    if (await answersAt(holder.pid, client)) return findRunning(client);
    await delay(LOOK_EVERY_MS);
  }
  return undefined;
}

/**
 * The password of one vault is nothing for the server of another, which may have the address.
 * @throws CliError when no server of this machine holds the data directory
 */
async function assertHolds({ addr }: VaultClient, dataDir: string, bin: string): Promise<void> {
  const { findLockHolder } = await import("@vault-proxy/server/vault-file");
  const holder = await findLockHolder(dataDir);
  if (holder?.liveness === "alive" || holder?.liveness === "elsewhere") return;
  throw new CliError(
    `the vault-server at ${addr} is another vault's: it does not hold ${dataDir}`,
    `give this one another address, such as --addr http://127.0.0.1:8391; or unlock that one with \`${bin} unlock\``,
  );
}

/** @throws CliError when something else answers there */
async function findRunning(client: VaultClient): Promise<Health | undefined> {
  try {
    const health = await client.healthDetails({ timeoutMs: 5_000 });
    // Whoever answers may be anyone.
    if (STATES.has(health.status)) return health;
  } catch (error) {
    if (isRefusedConnection(error)) return undefined;
  }
  throw new CliError(
    `something else than vault-server listens at ${client.addr}`,
    "stop it, or use another port: --addr http://127.0.0.1:8391",
  );
}

function isRefusedConnection(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return code === "ECONNREFUSED" || code === "ENOENT";
}

/** Whether the token at hand is good. */
async function hasSession(context: CommandContext): Promise<boolean> {
  try {
    const client = await context.connect("token");
    if (client.token === "") return false;
    await client.healthTokens();
    return true;
  } catch {
    return false;
  }
}
