import { once } from "node:events";
import { fileURLToPath } from "node:url";
import pg from "pg";
import Cursor from "pg-cursor";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Secret } from "../../packages/server/src/redaction/secret.js";
import { pythonCommand } from "../../scripts/python-environment.mjs";
import { run, startPostgresFixture, type PostgresFixture } from "./postgres-fixture.js";

const login = { username: "agent", password: new Secret("local-Pa55/word?&=#%") };
const PSYCOPG_CLIENT = fileURLToPath(new URL("psycopg_client.py", import.meta.url));

let fixture: PostgresFixture;

beforeAll(async () => {
  fixture = await startPostgresFixture();
});
afterEach(() => fixture.closeSessions());
afterAll(() => fixture.stop());

describe.each([
  { name: "without a password", options: {} },
  { name: "with a password", options: { login } },
])("node-postgres $name", ({ options }) => {
  test("uses a pool, prepared statements and cursors", async () => {
    const { url } = await fixture.open("scram_user", {}, options);
    const pool = new pg.Pool({ connectionString: url, max: 5 });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        pool.query<{ n: number; name: string }>({
          name: "prepared",
          text: "SELECT $1::int AS n, current_user AS name",
          values: [n],
        }),
      ),
    );
    expect(answers.map(({ rows }) => rows[0])).toEqual(
      Array.from({ length: 40 }, (_, n) => ({ n, name: "scram_user" })),
    );
    const client = await pool.connect();
    const cursor = client.query(new Cursor<{ n: number }>("SELECT generate_series(1, 1000) AS n"));
    let sum = 0;
    for (;;) {
      const rows = await cursor.read(100);
      if (rows.length === 0) break;
      sum += rows.reduce((total, { n }) => total + n, 0);
    }
    expect(sum).toBe(500_500);
    await cursor.close();
    client.release();
    await pool.end();
  });

  test("sends and gets back large values as they are", async () => {
    const { url } = await fixture.open("scram_user", {}, options);
    const client = new pg.Client(url);
    await client.connect();
    const value = Buffer.alloc(8 * 1024 * 1024, "0123456789abcdef");
    const { rows } = await client.query<{ value: Buffer }>("SELECT $1::bytea AS value", [value]);
    expect(rows[0]?.value.equals(value)).toBe(true);
    await client.end();
  });
});

test("a client that is configured with a user, a password and a database of its own gets the service's", async () => {
  const { port } = await fixture.open("clear_user");
  const client = new pg.Client({
    host: "127.0.0.1",
    port,
    user: "postgres",
    password: "of something else",
    database: "template1",
    options: "-c statement_timeout=1234",
  });
  const notices: unknown[] = [];
  client.on("notice", (notice) => notices.push(notice.message));
  await client.connect();
  const { rows } = await client.query(
    "SELECT current_user AS name, current_database() AS db, current_setting('statement_timeout') AS timeout",
  );
  expect(rows).toEqual([{ name: "clear_user", db: "app", timeout: "1234ms" }]);
  expect(notices).toEqual([expect.stringContaining('stays in the database "app"')]);
  await client.end();
});

test("a server that is lost in the middle is lost to the client", async () => {
  const { url } = await fixture.open("scram_user");
  const client = new pg.Client(url);
  await client.connect();
  const lost = once(client, "error");
  // It says so once more when the connection is closed.
  client.on("error", () => undefined);
  await fixture.server.sql(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'scram_user'",
  );
  expect(await lost).toMatchObject([{ code: "57P01" }]);
  await client.end();
});

describe("psycopg", () => {
  test.each([
    { name: "of today's protocol", parameters: "", options: {} },
    { name: "that asks for protocol 3.2", parameters: "&max_protocol_version=3.2", options: {} },
    { name: "that logs in", parameters: "&require_auth=scram-sha-256", options: { login } },
    {
      name: "that logs in and asks for protocol 3.2",
      parameters: "&max_protocol_version=3.2",
      options: { login },
    },
    {
      name: "that would rather have TLS and GSSAPI",
      parameters: "&sslmode=prefer&gssencmode=prefer",
      options: {},
    },
  ])("a client $name does all that it can", async ({ parameters, options }) => {
    const session = await fixture.open("scram_user", {}, options);
    const url = session.url + parameters;
    const answers: unknown = JSON.parse(await run(pythonCommand("python"), [PSYCOPG_CLIENT, url]));
    expect(answers).toEqual({
      libpq: expect.any(Number) as number,
      who: ["scram_user", "app"],
      application_name: "psycopg",
      prepared: [[2], [40], [600]],
      binary: true,
      pipeline: 4950,
      cursor: 12_502_500,
      copied: 10_000,
      cancelled: true,
      after: ["here"],
    });
    expect(session.failures).toEqual([]);
  });
});
