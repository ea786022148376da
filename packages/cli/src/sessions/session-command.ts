import { spawn, type ChildProcess } from "node:child_process";
import { constants } from "node:os";
import type { SessionOptions, SessionProtocol, VaultClient } from "@vault-proxy/client";

import { CliError } from "../failures.js";
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

/** Of a shell, for a command that cannot be run: not found, or not executable. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/**
 * Runs a program with a session of its own, which ends with it.
 * @returns its exit code, or 128 + the signal that ended it
 */
export async function runWithSession(command: SessionCommand): Promise<number> {
  const { client, protocol, service, output } = command;
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
    return await run(command, { ...command.env, ...sessionVariables(protocol, session, info) });
  } finally {
    await client.closeSession(session.id).catch((error: unknown) => {
      // One that took one client has ended with it.
      if (!(error instanceof Error && "status" in error && error.status === 404))
        output.warn(`the session could not be closed: close it with \`session close ${session.id}\``);
    });
  }
}

async function run({ program, args }: SessionCommand, env: Environment): Promise<number> {
  const child = spawn(program, args, { env: { ...env }, stdio: "inherit" });
  const stopForwarding = forwardSignals(child);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") process.stderr.write(`${program}: command not found\n`);
        if (error.code === "ENOENT") resolve(NOT_FOUND);
        else if (error.code === "EACCES") resolve(NOT_EXECUTABLE);
        else reject(new CliError(`cannot run ${program}`));
      });
      child.once("exit", (code, signal) =>
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
      );
    });
  } finally {
    stopForwarding();
  }
}

/** A terminal sends Ctrl-C to the child itself: this process only has to outlive it. */
function forwardSignals(child: ChildProcess): () => void {
  const stay = (): void => undefined;
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on("SIGINT", stay).on("SIGTERM", pass).on("SIGHUP", pass);
  return () => void process.off("SIGINT", stay).off("SIGTERM", pass).off("SIGHUP", pass);
}
