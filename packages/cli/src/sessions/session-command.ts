import type { SessionOptions, SessionProtocol, VaultClient } from "@vault-proxy/client";

import { assertRunnable, runInForeground } from "../foreground-program.js";
import type { Environment, Output } from "../output.js";
import { sessionVariables } from "./session-variables.js";

export interface SessionCommand {
  readonly client: VaultClient;
  readonly protocol: SessionProtocol;
  readonly service: string;
  readonly options: SessionOptions;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Environment;
  readonly output: Output;
}

/** Programs have pools, and reconnect. */
const CONNECTIONS = 16;
const A_DAY_SECONDS = 86_400;
const LONGEST_WAIT_SECONDS = 300;

/**
 * Runs a program with a session of its own, which ends with it.
 * @returns its exit code, or 128 + the signal that ended it
 */
export async function runWithSession(command: SessionCommand): Promise<number> {
  const { client, protocol, service, output } = command;
  await assertRunnable(command.program, command.env);
  const info = await client.getService(service);
  const allowed = typeof info.max_connections === "number" ? info.max_connections : CONNECTIONS;
  const maxConnections = command.options.maxConnections ?? Math.min(allowed, CONNECTIONS);
  const session = await client.session(protocol, service, {
    ...command.options,
    maxConnections,
    timeout: command.options.timeout ?? (maxConnections === 1 ? LONGEST_WAIT_SECONDS : A_DAY_SECONDS),
    requirePassword: true,
  });
  try {
    const env = { ...command.env, ...sessionVariables(protocol, session, info) };
    return await runInForeground({ ...command, env });
  } finally {
    await client.closeSession(session.id).catch((error: unknown) => {
      // One that took one client has ended with it.
      if (!(error instanceof Error && "status" in error && error.status === 404))
        output.warn(`the session could not be closed: close it with \`session close ${session.id}\``);
    });
  }
}
