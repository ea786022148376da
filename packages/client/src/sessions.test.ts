import { expect, test } from "vitest";

import { clientOf, serve } from "./testing/client-fixture.js";
import { json } from "./testing/recording-server.js";

const OPENED = {
  ...{ id: "ses_1", addr: "127.0.0.1:40000", expires_at: "2030-01-01T00:00:00.000Z" },
  url: "postgresql://vault:pw@127.0.0.1:40000/app",
  ...{ username: "vault", password: "pw" },
};
const LISTED = {
  ...{ id: "ses_1", protocol: "postgres", service: "db", addr: "127.0.0.1:40000", token: "tok_AAAAAAAA..." },
  ...{ opened_at: "2030-01-01T00:00:00.000Z", expires_at: "2030-01-01T00:00:00.000Z" },
  ...{ max_connections: 5, connections: 1, bytes_in: 3, bytes_out: 4 },
};

test("sessions are opened, listed and closed where the vault has them", async () => {
  const server = await serve((request, response) => {
    if (request.method === "POST") json(response, 200, OPENED);
    else if (request.method === "DELETE") json(response, 200, { status: "closed" });
    else json(response, 200, [LISTED]);
  });
  const client = clientOf(server);
  const options = { timeout: 60, maxConnections: 5, requirePassword: true, idleTimeout: "5m" };
  expect(await client.session("postgres", "my.db", options)).toEqual(OPENED);
  await client.session("redis", "cache");
  expect(await client.listSessions()).toEqual([LISTED]);
  await client.closeSession("ses/1");
  expect(server.requests.map(({ method, url, body }) => [`${method} ${url}`, body])).toEqual([
    [
      "POST /postgres/my.db/session?timeout=60",
      JSON.stringify({ max_connections: 5, require_password: true, idle_timeout: "5m" }),
    ],
    ["POST /redis/cache/session", "{}"],
    ["GET /sessions", ""],
    ["DELETE /sessions/ses%2F1", ""],
  ]);
});

test.each([
  [{ ...OPENED, addr: 5 }, []],
  [{ ...OPENED, password: 5 }, []],
  [OPENED, [{ ...LISTED, connections: "1" }]],
  [OPENED, [{ ...LISTED, id: undefined }]],
  [OPENED, {}],
])("what is no answer of a vault is told apart (%#)", async (opened, listed) => {
  const server = await serve((request, response) => {
    json(response, 200, request.method === "POST" ? opened : listed);
  });
  const client = clientOf(server);
  const attempt = async (): Promise<void> => {
    await client.session("imap", "mail");
    await client.listSessions();
  };
  await expect(attempt()).rejects.toMatchObject({ code: "invalid_answer" });
});
