import { once } from "node:events";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { LoopbackSession } from "../../packages/server/src/protocols/testing/loopback-session.js";
import { freePorts } from "../real-servers/loopback-ports.js";
import { psql, startPostgresFixture, startPsql, type PostgresFixture } from "./postgres-fixture.js";

const WRONG = "not the password";

let fixture: PostgresFixture;

beforeAll(async () => {
  fixture = await startPostgresFixture({ settings: { max_connections: "6" } });
});
afterEach(() => fixture.closeSessions());
afterAll(() => fixture.stop());

/** What node-postgres throws. */
async function refusal(session: LoopbackSession, options: pg.ClientConfig = {}): Promise<unknown> {
  const client = new pg.Client({ connectionString: session.url, ...options });
  try {
    await client.connect();
  } catch (error) {
    return error;
  }
  await client.end();
  return "no error";
}

describe("a failure is told to the client as an error of the server would be", () => {
  test.each(["scram_user", "md5_user", "clear_user", "rejected_user"] as const)(
    "when the stored credential of %s is refused",
    async (user) => {
      const session = await fixture.open(user, { postgres_password: WRONG });
      expect(await refusal(session)).toMatchObject({
        severity: "FATAL",
        code: "28000",
        message: "the server refused the stored credential",
      });
      await expect(psql(session, "-c", "SELECT 1")).rejects.toThrow(
        /FATAL: {2}the server refused the stored credential/,
      );
      expect(session.failures).toMatchObject([
        { code: "upstream_login_failed" },
        { code: "upstream_login_failed" },
      ]);
    },
  );

  test("when the server wants the password in the clear without TLS", async () => {
    const session = await fixture.open("clear_user", { postgres_tls: "disable" });
    expect(await refusal(session)).toMatchObject({ code: "28000", message: /in the clear/ });
  });

  test("when the server asks for GSSAPI", async () => {
    expect(await refusal(await fixture.open("gss_user"))).toMatchObject({
      code: "28000",
      message: "the server asks for a log-in by GSSAPI, which is not done here",
    });
  });

  test("when there is no such database", async () => {
    const session = await fixture.open("scram_user", { postgres_db: "nowhere" });
    expect(await refusal(session)).toMatchObject({
      code: "3D000",
      message: "the service's database does not exist",
    });
  });

  test.each([
    ["a setting that does not exist", { options: "-c no_such_setting=1" }, "42704"],
    ["a value that is not one", { options: "-c statement_timeout=often" }, "22023"],
    ["an option that is not one", { options: "--nonsense" }, "42601"],
  ])("when the client asks for %s", async (_name, options, code) => {
    expect(await refusal(await fixture.open("scram_user"), options)).toMatchObject({
      code,
      message: "the server refused a start-up parameter of the client",
    });
  });

  test("when the server has too many connections", async () => {
    // The server may still have some of the tests before.
    const others = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE '%_user'";
    while ((await fixture.server.sql(others)) !== "0")
      await new Promise((resolve) => setTimeout(resolve, 10));
    const session = await fixture.open("scram_user");
    const pool = new pg.Pool({ connectionString: session.url, max: 3 });
    const clients = await Promise.all(Array.from({ length: 3 }, () => pool.connect()));
    expect(await refusal(session)).toMatchObject({
      code: "53300",
      message: "the server has too many connections",
    });
    for (const client of clients) client.release();
    await pool.end();
  });

  test("when the server is not there", async () => {
    const [port] = await freePorts(1);
    expect(await refusal(await fixture.open("scram_user", { postgres_port: port }))).toMatchObject({
      code: "08001",
      message: "the upstream refused the connection",
    });
  });

  test("when the server has no TLS", async () => {
    const { server } = fixture;
    await server.sql("ALTER SYSTEM SET ssl = off");
    await server.sql("SELECT pg_reload_conf()");
    try {
      while ((await server.sql("SHOW ssl")) !== "off")
        await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await refusal(await fixture.open("scram_user"))).toMatchObject({
        code: "08001",
        message: "the server does not offer TLS, which the service requires",
      });
      const session = await fixture.open("scram_user", { postgres_tls: "prefer" });
      expect(await psql(session, "-c", "SELECT current_user")).toBe("scram_user");
    } finally {
      await server.sql("ALTER SYSTEM RESET ssl");
      await server.sql("SELECT pg_reload_conf()");
    }
  });
});

describe("a certificate is refused", () => {
  test.each([
    { flaw: "expired", message: "the upstream's certificate has expired" },
    { flaw: "wrong-name", message: "the upstream's certificate is for another name" },
  ] as const)("that is $flaw", async ({ flaw, message }) => {
    await fixture.server.presentCertificate({ flaw });
    for (const postgres_tls of ["require", "prefer"])
      expect(await refusal(await fixture.open("scram_user", { postgres_tls }))).toMatchObject({
        code: "08001",
        message,
      });
  });

  test("of another authority", async () => {
    await fixture.server.presentCertificate({});
    const session = await fixture.open("scram_user", {}, { ca: undefined });
    expect(await refusal(session)).toMatchObject({
      code: "08001",
      message: "the upstream's certificate is not signed by a trusted authority",
    });
  });
});

test("a server that crashes ends the client's connection", async () => {
  const client = startPsql(await fixture.open("scram_user"));
  const closed = once(client.child, "close");
  client.type("SELECT 'it is ' || 'in';");
  await client.sees(/it is in/);
  await fixture.server.stop("SIGKILL");
  // What served the client is a process of its own, which notices a moment later that the server is gone.
  client.child.stdin.on("error", () => undefined);
  const typing = setInterval(() => client.type("SELECT 1;"), 100);
  await client.sees(/server closed the connection unexpectedly|connection to server was lost/);
  clearInterval(typing);
  await closed;
});
