import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { cleanEnvironment } from "../live/processes.js";
import {
  POSTGRES_DATABASE,
  POSTGRES_USERS,
  startPostgres,
  type PostgresUser,
  type RunningPostgres,
} from "../real-servers/postgresql.js";
import { openPostgresSession, type LoopbackSession, type SessionOptions } from "./postgres-session.js";

const run = promisify(execFile);

let server: RunningPostgres;
const sessions: LoopbackSession[] = [];

beforeAll(async () => {
  server = await startPostgres();
});

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

afterAll(async () => {
  await server.stop();
});

async function open(
  user: PostgresUser,
  auth: Readonly<Record<string, unknown>> = {},
  options: Partial<SessionOptions> = {},
): Promise<LoopbackSession> {
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
    ...options,
  });
  sessions.push(session);
  return session;
}

async function psql(session: LoopbackSession, ...args: string[]): Promise<string> {
  const { stdout } = await run("psql", ["-X", "-A", "-t", ...args, session.url], {
    env: { ...cleanEnvironment(), PGCONNECT_TIMEOUT: "10" },
  });
  return stdout.trimEnd();
}

const WHO = "SELECT current_user, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

test.each(["scram_user", "prepared_user", "md5_user", "clear_user", "tls_user", "trusted_user"] as const)(
  "psql gets in as %s over TLS",
  async (user) => {
    expect(await psql(await open(user), "-c", WHO)).toBe(`${user}|t`);
  },
);
