import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { eventually } from "../live/raw-sockets.js";
import { addService, call, makeToken, unlock } from "../live/vault-calls.js";
import {
  POSTGRES_DATABASE,
  POSTGRES_USERS,
  startPostgres,
  type RunningPostgres,
} from "../real-servers/postgresql.js";
import { psql, startPsql } from "./postgres-fixture.js";

const WRONG_PASSWORD = "wrong-password-0123456789";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let postgres: RunningPostgres;
let server: RunningServer;
let token: string;

beforeAll(async () => {
  directory = await temporaryDirectory();
  [postgres, server] = await Promise.all([
    startPostgres(),
    startServer({ dataDir: directory.path, flags: ["--log-level", "debug"] }),
  ]);
  const admin = await unlock(server);
  token = await makeToken(server, admin);
  for (const [name, password] of [
    ["orders", POSTGRES_USERS.scram_user.password],
    ["mistaken", WRONG_PASSWORD],
  ])
    await addService(server, admin, {
      ...{ name, allow_private: true, tls_ca: postgres.ca() },
      auth: {
        ...{ type: "postgres", postgres_host: "127.0.0.1", postgres_port: postgres.port },
        ...{ postgres_user: "scram_user", postgres_password: password, postgres_db: POSTGRES_DATABASE },
      },
    });
});
afterAll(async () => {
  await server.stop();
  await postgres.stop();
  await directory.remove();
});

async function open(service: string, body: object = {}): Promise<{ readonly url: string }> {
  const answer = await call(server.address, "POST", `/postgres/${service}/session`, {
    token,
    body: JSON.stringify(body),
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.json as { url: string };
}

const activity = (condition: string): Promise<string> =>
  postgres.sql(`SELECT count(*) FROM pg_stat_activity WHERE usename = 'scram_user' AND ${condition}`);

test("where one client is allowed, a second is told so, and Ctrl-C still cancels what the first does", async () => {
  const session = await open("orders", { require_password: true });
  const client = startPsql(session, "-c", "SELECT pg_sleep(60)");
  const ended = once(client.child, "close");
  await eventually(async () => (await activity("wait_event = 'PgSleep'")) === "1");
  await expect(psql(session, "-c", "SELECT 1")).rejects.toThrow(/the session takes no more connections/);
  client.child.kill("SIGINT");
  await client.sees(/canceling statement due to user request/);
  await ended;
  await eventually(async () => (await activity("true")) === "0");
});

test("a refused credential is told to the client and in the log, and is in neither", async () => {
  const session = await open("mistaken");
  await expect(psql(session, "-c", "SELECT 1")).rejects.toThrow(
    /FATAL: {2}the server refused the stored credential/,
  );
  await eventually(() => server.log().includes("the server refused the stored credential"));
  expect(server.log()).not.toContain(WRONG_PASSWORD);
});
