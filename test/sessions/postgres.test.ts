import { once } from "node:events";
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Secret } from "../../packages/server/src/redaction/secret.js";
import { temporaryDirectory } from "../live/processes.js";
import { POSTGRES_DATABASE, POSTGRES_USERS, program } from "../real-servers/postgresql.js";
import {
  clientEnvironment,
  psql,
  run,
  startPostgresFixture,
  startPsql,
  type PostgresFixture,
} from "./postgres-fixture.js";

const WHO = "SELECT current_user, current_database(), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
const login = { username: "agent", password: new Secret("local-Pa55/word?&=#%") };

let fixture: PostgresFixture;

beforeAll(async () => {
  fixture = await startPostgresFixture();
});
afterEach(() => fixture.closeSessions());
afterAll(() => fixture.stop());

/** As the server's log has it: `SCRAM-SHA-256-PLUS` is not told there, so see the scripted servers for that. */
const methodOf = (user: string): string | undefined =>
  new RegExp(`identity="${user}" method=(\\S+) `).exec(fixture.server.log())?.[1];

describe("the log-in with the service's credential", () => {
  test.each(["scram_user", "prepared_user", "md5_user", "clear_user", "tls_user", "trusted_user"] as const)(
    "%s gets in over TLS",
    async (user) => {
      expect(await psql(await fixture.open(user), "-c", WHO)).toBe(`${user}|app|t`);
      if (user !== "trusted_user") expect(methodOf(user)).toBe(POSTGRES_USERS[user].method);
    },
  );

  test.each(["scram_user", "prepared_user", "md5_user"] as const)("%s gets in without TLS", async (user) => {
    const session = await fixture.open(user, { postgres_tls: "disable" });
    expect(await psql(session, "-c", WHO)).toBe(`${user}|app|f`);
  });

  test.each([
    { key: "rsa", hash: "sha256" },
    { key: "rsa", hash: "sha384" },
    { key: "rsa", hash: "sha512" },
    { key: "ecdsa", hash: "sha512" },
    { key: "rsa-pss" },
    { key: "ed25519" },
  ] as const)("a certificate of $key and $hash is bound as the server binds it", async (certificate) => {
    await fixture.server.presentCertificate(certificate);
    expect(await psql(await fixture.open("scram_user"), "-c", WHO)).toBe("scram_user|app|t");
  });

  test("the database is the user's own where the service names none", async () => {
    await fixture.server.sql("CREATE DATABASE md5_user OWNER md5_user");
    const session = await fixture.open("md5_user", { postgres_db: undefined });
    expect(await psql(session, "-c", WHO)).toBe("md5_user|md5_user|t");
  });
});

describe("the local side", () => {
  test.each([
    { name: "no password", env: {} },
    { name: "any password", env: { PGPASSWORD: "wrong" } },
    { name: "gssencmode=prefer and sslmode=prefer", env: { PGSSLMODE: "prefer", PGGSSENCMODE: "prefer" } },
    { name: "sslmode=allow", env: { PGSSLMODE: "allow" } },
  ])("takes a client with $name, and the service's user and database", async ({ env }) => {
    const session = await fixture.open("scram_user");
    const place = ["-h", "127.0.0.1", "-p", String(session.port), "-U", "somebody", "-d", "elsewhere"];
    expect(await run("psql", ["-X", "-A", "-t", ...place, "-c", WHO], env)).toBe("scram_user|app|t");
  });

  test("a client that demands TLS is told that there is none", async () => {
    const session = await fixture.open("scram_user");
    await expect(
      run("psql", ["-X", "-d", session.url, "-c", WHO].with(2, session.url.replace("disable", "require"))),
    ).rejects.toThrow(/server does not support SSL/);
  });

  test("a client of a session with a password must give both, by SCRAM", async () => {
    const session = await fixture.open("scram_user", {}, { login });
    expect(await psql(session, "-c", WHO)).toBe("scram_user|app|t");
    const wrong = [session.url.replace("agent:", "agent:x"), session.url.replace("agent:", "agenx:")];
    for (const url of wrong)
      await expect(run("psql", ["-X", "-d", url, "-c", WHO])).rejects.toThrow(
        /FATAL: {2}the user or the password is not the session's/,
      );
    await expect(
      run("psql", ["-X", "-w", "-d", session.url.replace(/:[^:@]*@/, "@"), "-c", WHO]),
    ).rejects.toThrow(/no password supplied/);
  });

  test("what the client wants besides arrives", async () => {
    const session = await fixture.open("scram_user");
    const shown = await run(
      "psql",
      ["-X", "-A", "-t", "-d", session.url, "-c"].concat(
        "SELECT current_setting('application_name'), current_setting('search_path'), " +
          "current_setting('client_encoding'), current_setting('TimeZone'), current_setting('DateStyle')",
      ),
      {
        PGAPPNAME: "an agent",
        PGOPTIONS: "-c search_path=elsewhere",
        PGCLIENTENCODING: "LATIN1",
        PGTZ: "Asia/Tokyo",
        PGDATESTYLE: "German",
      },
    );
    expect(shown).toBe("an agent|elsewhere|LATIN1|Asia/Tokyo|German, DMY");
  });

  test("replication is refused", async () => {
    const session = await fixture.open("scram_user");
    await expect(
      run("psql", ["-X", "-d", `${session.url}&replication=database`, "-c", "SELECT 1"]),
    ).rejects.toThrow(/FATAL: {2}replication is not passed on by sessions/);
  });
});

describe("psql", () => {
  test("shows where it is connected", async () => {
    const session = await fixture.open("scram_user");
    const shown = await psql(session, "-c", "\\conninfo");
    expect(shown).toContain(`database "${POSTGRES_DATABASE}"`);
    expect(shown).toContain(`on host "127.0.0.1" at port "${String(session.port)}"`);
  });

  test.each([
    ["elsewhere", /WARNING: {2}this session stays in the database "app"; it does not lead to the other/],
    [POSTGRES_DATABASE, /^(?!.*WARNING)/s],
  ])("is told by \\connect %s where it is", async (database, said) => {
    const { url, port } = await fixture.open("scram_user", {}, { maxConnections: 4 });
    const { stdout, stderr } = await promisify(execFile)(
      "psql",
      ["-X", "-A", "-t", "-d", url, "-c", `\\connect ${database}`, "-c", "SELECT current_database()"],
      { env: clientEnvironment() },
    );
    expect(stdout).toMatch(/^app$/m);
    expect(stderr).toMatch(said);
    const bare = [
      "-X",
      "-A",
      "-t",
      "-h",
      "127.0.0.1",
      "-p",
      String(port),
      "-U",
      "somebody",
      "-c",
      "SELECT 1",
    ];
    expect((await promisify(execFile)("psql", bare, { env: clientEnvironment() })).stderr).toBe("");
  });

  test("copies a table in and out, byte for byte", async () => {
    const session = await fixture.open("scram_user");
    const directory = await temporaryDirectory();
    try {
      const [given, got] = [join(directory.path, "in.csv"), join(directory.path, "out.csv")];
      const rows = Array.from(
        { length: 20_000 },
        (_, index) => `${String(index)},${randomBytes(30).toString("hex")}`,
      );
      await writeFile(given, `${rows.join("\n")}\n`);
      await psql(
        session,
        ...["-c", "CREATE TABLE copied (id int, text text)"],
        ...["-c", `\\copy copied FROM '${given}' CSV`],
        ...["-c", `\\copy (SELECT * FROM copied ORDER BY id) TO '${got}' CSV`],
        ...["-c", "DROP TABLE copied"],
      );
      expect(digest(await readFile(got))).toBe(digest(await readFile(given)));
    } finally {
      await directory.remove();
    }
  });

  test("hears what another connection notifies", async () => {
    const session = await fixture.open("scram_user");
    const listener = startPsql(session);
    listener.type("LISTEN news;");
    await listener.sees(/LISTEN/);
    await psql(session, "-c", "NOTIFY news, 'it happened'");
    listener.type("SELECT 'asked';");
    await listener.sees(/Asynchronous notification "news" with payload "it happened"/);
    listener.child.stdin.end();
    await once(listener.child, "close");
  });

  test.each(["disable", "require"])(
    "Ctrl-C cancels what the server does, with TLS: %s",
    async (postgres_tls) => {
      const session = await fixture.open("scram_user", { postgres_tls }, { login, maxConnections: 1 });
      const client = startPsql(session, "-c", "SELECT pg_sleep(60)");
      const ended = once(client.child, "close");
      while ((await sleeping()) !== "1") await new Promise((resolve) => setTimeout(resolve, 10));
      client.child.kill("SIGINT");
      await client.sees(/canceling statement due to user request/);
      await ended;
      expect(session.failures).toEqual([]);
    },
  );

  test("a connection too many is told so", async () => {
    const session = await fixture.open("scram_user", {}, { maxConnections: 1 });
    const client = startPsql(session);
    client.type("SELECT 'it is ' || 'in';");
    await client.sees(/it is in/);
    for (const url of [session.url, session.url.replace("disable", "prefer")])
      await expect(run("psql", ["-X", "-d", url, "-c", WHO])).rejects.toThrow(
        /FATAL: {2}the session takes no more connections/,
      );
    client.child.stdin.end();
    await once(client.child, "close");
  });

  const sleeping = (): Promise<string> =>
    fixture.server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
});

test("pgbench runs with 8 clients, only reading and as TPC-B", async () => {
  const session = await fixture.open("scram_user");
  await run(program("pgbench"), ["-i", "-q", "-s", "1", session.url]);
  for (const script of [["-S"], ["-b", "tpcb-like"]]) {
    const report = await run(program("pgbench"), [...script, "-c", "8", "-j", "2", "-t", "50", session.url]);
    expect(report).toContain("number of transactions actually processed: 400/400");
  }
  // The server hears of every client that goes.
  while ((await others()) !== "0") await new Promise((resolve) => setTimeout(resolve, 10));
});

const others = (): Promise<string> =>
  fixture.server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'scram_user'");

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
