import { execFile } from "node:child_process";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pythonCommand } from "../../scripts/python-environment.mjs";
import { cleanEnvironment } from "../live/processes.js";
import {
  POSTGRES_DATABASE,
  POSTGRES_USERS,
  program,
  startPostgres,
  type PostgresUser,
  type RunningPostgres,
} from "./postgresql.js";

const run = promisify(execFile);

let server: RunningPostgres;

beforeAll(async () => {
  server = await startPostgres({ settings: { max_connections: "40" } });
});

afterAll(async () => {
  await server.stop();
});

interface Login {
  readonly user: PostgresUser;
  readonly password?: string;
  readonly tls: boolean;
  readonly ca?: string;
}

/** node-postgres logs in and asks who it is, and whether over TLS. */
async function logIn({
  user,
  password = POSTGRES_USERS[user].password,
  tls,
  ca = server.ca(),
}: Login): Promise<unknown> {
  const client = new pg.Client({
    host: "127.0.0.1",
    port: server.port,
    user,
    password,
    database: POSTGRES_DATABASE,
    ssl: tls ? { ca } : false,
  });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; tls: boolean }>(
      "SELECT current_user AS name, ssl AS tls FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    );
    return rows[0];
  } finally {
    await client.end();
  }
}

/** psql's answer to a query with more connection parameters than node-postgres knows. */
async function psql(parameters: Readonly<Record<string, string>>, query: string): Promise<string> {
  const conninfo = Object.entries({
    host: "127.0.0.1",
    port: String(server.port),
    dbname: POSTGRES_DATABASE,
    sslrootcert: server.caPath(),
    ...parameters,
  })
    .map(([name, value]) => `${name}='${value.replaceAll(/['\\]/g, "\\$&")}'`)
    .join(" ");
  const { stdout } = await run("psql", ["-X", "-A", "-t", "-c", query, conninfo], {
    env: { ...cleanEnvironment(), PGCONNECT_TIMEOUT: "10" },
  });
  return stdout.trimEnd();
}

const scramUser = { user: "scram_user", password: POSTGRES_USERS.scram_user.password };

describe.each(["scram_user", "prepared_user", "md5_user", "clear_user"] as const)("the user %s", (user) => {
  test.each([true, false])("logs in, with TLS: %s", async (tls) => {
    expect(await logIn({ user, tls })).toEqual({ name: user, tls });
  });

  test.each([true, false])("is refused with a wrong password, with TLS: %s", async (tls) => {
    await expect(logIn({ user, tls, password: "wrong" })).rejects.toMatchObject({ code: "28P01" });
  });

  test("is asked for the password in the form that the rules say", async () => {
    const { method } = POSTGRES_USERS[user];
    await logIn({ user, tls: true });
    expect(server.log()).toMatch(new RegExp(`authenticated: identity="${user}" method=${method} `));
  });
});

test("a user for TLS alone is refused without it", async () => {
  expect(await logIn({ user: "tls_user", tls: true })).toEqual({ name: "tls_user", tls: true });
  await expect(logIn({ user: "tls_user", tls: false })).rejects.toMatchObject({ code: "28000" });
});

test("a trusted user is asked for nothing, and a rejected one neither", async () => {
  expect(await logIn({ user: "trusted_user", tls: false, password: "wrong" })).toMatchObject({
    name: "trusted_user",
  });
  await expect(logIn({ user: "rejected_user", tls: true })).rejects.toMatchObject({ code: "28000" });
});

test("a user of GSSAPI is asked for tickets", async () => {
  await expect(psql({ user: "gss_user", gssencmode: "disable" }, "SELECT 1")).rejects.toThrow(/GSSAPI/);
});

describe("certificates", () => {
  const verified = { ...scramUser, sslmode: "verify-full" };
  const bound = { ...verified, channel_binding: "require" };

  test.each([
    { key: "rsa", hash: "sha256" },
    { key: "rsa", hash: "sha384" },
    { key: "ecdsa", hash: "sha512" },
  ] as const)("channel binding works with $key and $hash", async (options) => {
    await server.presentCertificate(options);
    expect(await psql(bound, "SELECT current_user")).toBe("scram_user");
  });

  test.each(["ed25519", "rsa-pss"] as const)("logins without channel binding work with %s", async (key) => {
    await server.presentCertificate({ key });
    const unbound = { ...verified, channel_binding: "disable" };
    expect(await psql(unbound, "SELECT current_user")).toBe("scram_user");
  });

  test.each([
    { flaw: "expired", code: "CERT_HAS_EXPIRED" },
    { flaw: "wrong-name", code: "ERR_TLS_CERT_ALTNAME_INVALID" },
  ] as const)("one that is $flaw is refused", async ({ flaw, code }) => {
    await server.presentCertificate({ flaw });
    await expect(logIn({ user: "scram_user", tls: true })).rejects.toMatchObject({ code });
  });

  test("one of another authority is refused", async () => {
    const formerAuthority = server.ca();
    await server.presentCertificate({});
    expect(await logIn({ user: "scram_user", tls: true })).toMatchObject({ tls: true });
    await expect(logIn({ user: "scram_user", tls: true, ca: formerAuthority })).rejects.toThrow(
      /certificate|signature/,
    );
  });
});

test("pgbench makes its tables and runs as a user of the database", async () => {
  const environment = {
    ...cleanEnvironment(),
    PGHOST: "127.0.0.1",
    PGPORT: String(server.port),
    PGUSER: "scram_user",
    PGPASSWORD: POSTGRES_USERS.scram_user.password,
    PGDATABASE: POSTGRES_DATABASE,
  };
  await run(program("pgbench"), ["-i", "-q", "-s", "1"], { env: environment });
  const { stdout } = await run(program("pgbench"), ["-S", "-c", "2", "-t", "5"], { env: environment });
  expect(stdout).toContain("number of transactions actually processed: 10/10");
});

test("psycopg logs in over TLS", async () => {
  const conninfo = `host=127.0.0.1 port=${server.port} dbname=${POSTGRES_DATABASE} sslmode=verify-full`;
  const program = `
import sys, psycopg
with psycopg.connect(sys.argv[1], user="prepared_user", password=sys.argv[2], sslrootcert=sys.argv[3]) as connection:
    print(connection.execute("SELECT current_user").fetchone()[0])
`;
  const { stdout } = await run(
    pythonCommand("python"),
    ["-c", program, conninfo, POSTGRES_USERS.prepared_user.password, server.caPath()],
    { env: cleanEnvironment() },
  );
  expect(stdout.trim()).toBe("prepared_user");
});
