import { createServer, request, type IncomingMessage } from "node:http";
import { createServer as createTlsServer, request as tlsRequest } from "node:https";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createTestAuthority } from "./network/testing/test-certificates.js";
import { requestAddress } from "./request-address.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const seen: unknown[] = [];
const look = (message: IncomingMessage, response: { end(): void }): void => {
  message.headers.host = "something else";
  seen.push(requestAddress(message));
  response.end();
};

async function listen(server: Server, path?: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(path ?? { port: 0, host: "127.0.0.1" }, resolve));
  cleanUps.push(() => new Promise((resolve) => server.close(resolve)));
  return path === undefined ? (server.address() as AddressInfo).port : 0;
}

const ask = (send: typeof request, options: object): Promise<unknown> =>
  new Promise((resolve, reject) => {
    send({ agent: false, ...options }, (answer) => resolve(answer.resume()))
      .on("error", reject)
      .end();
  });

test("an address is the scheme that is spoken and the Host that was sent", async () => {
  const authority = createTestAuthority();
  cleanUps.push(() => authority.close());
  const port = await listen(createServer({ requireHostHeader: false }, look));
  const tlsPort = await listen(createTlsServer(authority.issue("DNS:localhost"), look));
  await ask(request, { port, headers: { host: "localhost:9000" } });
  await ask(request, { port, setHost: false, headers: { "X-A": "host" } });
  await ask(tlsRequest, {
    port: tlsPort,
    ca: authority.ca,
    servername: "localhost",
    headers: { Host: "vault.example.com" },
  });
  expect(seen.splice(0)).toEqual([
    { scheme: "http", host: "localhost:9000" },
    undefined,
    { scheme: "https", host: "vault.example.com" },
  ]);
});

test("a request by a unix socket has none, whatever Host it sends", async () => {
  const directory = await mkdtemp(join(tmpdir(), "request-address-"));
  cleanUps.push(() => rm(directory, { recursive: true }));
  const socketPath = join(directory, "socket");
  await listen(createServer(look), socketPath);
  await ask(request, { socketPath, headers: { host: "localhost" } });
  expect(seen.splice(0)).toEqual([undefined]);
});
