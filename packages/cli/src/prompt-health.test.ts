import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { VaultClient } from "@vault-proxy/client";
import { expect, test } from "vitest";

import { awaitedHealth, promptHealth } from "./prompt-health.js";

test("a port that takes a connection and never answers is told of within seconds", async () => {
  const server = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  const addr = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await expect(promptHealth(new VaultClient({ addr, retries: 0 }))).rejects.toMatchObject({
    message: `${addr} does not answer within 5 s`,
    code: "timeout",
  });
  server.close();
});

test.each([
  [200, { status: "ok", words: "of another program" }],
  [200, ["x"]],
  [404, { error: "words of another program" }],
])("a page of another program (%i, %j) is no health of a vault, and is not shown", async (status, body) => {
  const client = new VaultClient({
    fetch: () => Promise.resolve(Response.json(body, { status })),
    retries: 0,
  });
  await expect(promptHealth(client)).rejects.toMatchObject({
    message: "what answers at http://127.0.0.1:8390 is no vault-server",
    hint: "see that VAULT_ADDR or --addr is right",
  });
});

test("a server that is just starting is waited for, and nothing else is", async () => {
  const answers = [
    () => Promise.reject(new TypeError("fetch failed")),
    () => Promise.reject(new TypeError("fetch failed")),
    () => Promise.resolve(Response.json({ status: "locked", initialized: false, version: "1" })),
    () => Promise.resolve(Response.json({ status: "ok" })),
  ];
  const client = new VaultClient({
    fetch: () => answers.shift()?.() ?? Promise.reject(new Error("asked once more")),
    retries: 0,
  });
  expect(await awaitedHealth(client, 20_000)).toMatchObject({ status: "locked" });
  await expect(awaitedHealth(client, 20_000)).rejects.toMatchObject({ code: "invalid_answer" });
  await expect(awaitedHealth(client, 0)).rejects.toMatchObject({ code: "connection_failed" });
});

test("what a vault-server refuses is told in its own words", async () => {
  const body = { error: "this Host is not served here", code: "forbidden" };
  const headers = { "x-vault-request-id": "1" };
  const fetch = () => Promise.resolve(Response.json(body, { status: 403, headers }));
  await expect(promptHealth(new VaultClient({ fetch, retries: 0 }))).rejects.toMatchObject({
    code: "forbidden",
  });
});
