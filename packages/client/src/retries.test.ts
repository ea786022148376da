import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";

import { NewWithToken, VaultClient } from "./index.js";
import { TOKEN, clientOf, serve } from "./testing/client-fixture.js";
import { json } from "./testing/recording-server.js";

/** Ends this many connections when a request came, without an answer; answers the later ones. */
async function unsteadyServer(failures: number): Promise<{ addr: string; requests: () => number }> {
  let requests = 0;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      requests += 1;
      if (requests <= failures) return void socket.destroy();
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  return { addr: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests };
}

describe("a connection that is lost before the answer", () => {
  test("is no matter for what reads the vault's state", async () => {
    for (const read of [
      (client: VaultClient) => client.listServices(),
      (client: VaultClient) => client.metrics(),
      (client: VaultClient) => client.getFile("key"),
    ]) {
      const server = await unsteadyServer(2);
      await read(NewWithToken(server.addr, TOKEN));
      expect(server.requests()).toBe(3);
    }
  });

  test.each([
    ["a proxied GET", (client: VaultClient) => client.proxy("api", "GET", "/")],
    ["a POST", (client: VaultClient) => client.createToken("proxy")],
    ["a DELETE", (client: VaultClient) => client.removeService("api")],
    ["a GET that the caller wrote", (client: VaultClient) => client.do("GET", "/proxy/api/")],
  ])("is told of %s, which is not sent twice", async (_, send) => {
    const server = await unsteadyServer(1);
    await expect(send(NewWithToken(server.addr, TOKEN))).rejects.toMatchObject({ code: "connection_failed" });
    expect(server.requests()).toBe(1);
  });

  test("is told once the retries are used up, or at once without any", async () => {
    for (const [retries, requests] of [
      [0, 1],
      [1, 2],
    ]) {
      const server = await unsteadyServer(9);
      const client = new VaultClient({ addr: server.addr, retries });
      await expect(client.health()).rejects.toMatchObject({ code: "connection_failed" });
      expect(server.requests()).toBe(requests);
    }
  });

  test("is waited out no longer than the caller wants to", async () => {
    const server = await unsteadyServer(9);
    const client = new VaultClient({ addr: server.addr, retries: 5 });
    const gone = new AbortController();
    const reading = client.health({ signal: gone.signal });
    setTimeout(() => gone.abort(new Error("enough")), 50);
    await expect(reading).rejects.toThrow("enough");
    await expect(client.health({ timeoutMs: 50 })).rejects.toMatchObject({ code: "timeout" });
  });
});

test("an error of the vault is not asked for twice", async () => {
  const server = await serve((_, response) => json(response, 503, { error: "Full.", code: "internal" }));
  await expect(clientOf(server).listServices()).rejects.toMatchObject({ status: 503 });
  expect(server.requests).toHaveLength(1);
});

test.each([-1, 1.5, 6, Number.NaN])("%s retries are refused", (retries) => {
  expect(() => new VaultClient({ retries })).toThrow("retries must be a whole number from 0 to 5");
});
