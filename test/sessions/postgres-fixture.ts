import { execFile, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { promisify } from "node:util";
import {
  openPostgresSession,
  type PostgresSessionOptions,
} from "../../packages/server/src/protocols/postgres/testing/postgres-session.js";
import type { LoopbackSession } from "../../packages/server/src/protocols/testing/loopback-session.js";
import { cleanEnvironment } from "../live/processes.js";
import {
  POSTGRES_DATABASE,
  POSTGRES_USERS,
  startPostgres,
  type PostgresOptions,
  type PostgresUser,
  type RunningPostgres,
} from "../real-servers/postgresql.js";
import { createSessionKeeper } from "./session-keeper.js";

const OUTPUT_BYTES = 16 * 1024 * 1024;

export interface PostgresFixture {
  readonly server: RunningPostgres;
  /** A session as one of {@link POSTGRES_USERS}, with other fields of the service's `auth` if need be. */
  open(
    user: PostgresUser,
    auth?: Readonly<Record<string, unknown>>,
    options?: Partial<PostgresSessionOptions>,
  ): Promise<LoopbackSession>;
  /** After every test. */
  closeSessions(): Promise<void>;
  stop(): Promise<void>;
}

/** A real server, and sessions with it. */
export async function startPostgresFixture(options?: PostgresOptions): Promise<PostgresFixture> {
  const server = await startPostgres(options);
  const sessions = createSessionKeeper();
  return {
    server,
    async open(user, auth = {}, sessionOptions = {}) {
      const session = await openPostgresSession({
        auth: {
          postgres_host: "127.0.0.1",
          postgres_port: server.port,
          postgres_user: user,
          postgres_password: POSTGRES_USERS[user].password,
          postgres_db: POSTGRES_DATABASE,
          ...auth,
        },
        ca: server.ca(),
        ...sessionOptions,
      });
      return sessions.keep(session);
    },
    closeSessions: () => sessions.closeAll(),
    async stop() {
      await sessions.closeAll();
      await server.stop();
    },
  };
}

/** What libpq's programs take from their environment. */
export function clientEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { ...cleanEnvironment(), PGCONNECT_TIMEOUT: "10", PSQLRC: "/dev/null", ...extra };
}

export async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, {
    env: clientEnvironment(env),
    maxBuffer: OUTPUT_BYTES,
  });
  return stdout.trimEnd();
}

/** The rows without headings, columns parted by `|`. */
export function psql(session: { readonly url: string }, ...args: readonly string[]): Promise<string> {
  return run("psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", session.url, ...args]);
}

/** psql with its input and output at hand. */
export interface InteractivePsql {
  readonly child: ChildProcessWithoutNullStreams;
  type(line: string): void;
  /** Resolves when the output so far, standard error too, matches. */
  sees(pattern: RegExp): Promise<void>;
}

export function startPsql(session: { readonly url: string }, ...args: readonly string[]): InteractivePsql {
  const child = spawn("psql", ["-X", "-A", "-t", "-d", session.url, ...args], { env: clientEnvironment() });
  let output = "";
  const onData = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on("data", onData);
  child.stderr.on("data", onData);
  return {
    child,
    type: (line) => void child.stdin.write(`${line}\n`),
    async sees(pattern) {
      while (!pattern.test(output)) {
        if (child.stdout.readableEnded && child.stderr.readableEnded)
          throw new Error(`psql ended:\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}
