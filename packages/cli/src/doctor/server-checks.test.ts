import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { VaultClient } from "@vault-proxy/client";
import { expect, test } from "vitest";

import { serverFindings } from "./server-checks.js";

async function mendAt(addr: string) {
  const client = new VaultClient({ addr, retries: 0 });
  const context = { bin: "vault-cli", version: "1.0.0", listenerUid: undefined, now: () => 0 };
  return (await serverFindings(client, context)).findings;
}

test("a port that takes connections and never answers is not mended by another server there", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  expect(await mendAt(`http://127.0.0.1:${port}`)).toMatchObject([
    { status: "fail", mend: expect.stringContaining("give another address by --addr") as string },
  ]);
  server.close();
  for (const socket of sockets) socket.destroy();
  await once(server, "close");
  expect(await mendAt(`http://127.0.0.1:${port}`)).toMatchObject([{ status: "fail", mend: "vault-cli up" }]);
}, 20_000);

test("another program at the address, or another scheme, is not mended by a server there", async () => {
  const page = createHttpServer((_, response) => {
    response.writeHead(401, { "content-type": "application/json" }).end('{"error":"bad key"}');
  }).listen(0, "127.0.0.1");
  await once(page, "listening");
  const address = `127.0.0.1:${(page.address() as AddressInfo).port}`;
  const isRight = "see that VAULT_ADDR or --addr is right";
  expect(await mendAt(`http://${address}`)).toMatchObject([
    { status: "fail", message: `what answers at http://${address} is no vault-server`, mend: isRight },
  ]);
  expect(await mendAt(`https://${address}`)).toMatchObject([
    {
      status: "fail",
      message: expect.stringContaining("does not speak TLS") as string,
      mend: "check VAULT_ADDR, and that vault-server runs there",
    },
  ]);
  page.close();
  const stranger = createServer((socket) => {
    socket.on("error", () => undefined).end("SSH-2.0-OpenSSH_9.9\r\n");
  }).listen(0, "127.0.0.1");
  await once(stranger, "listening");
  expect(await mendAt(`http://127.0.0.1:${(stranger.address() as AddressInfo).port}`)).toMatchObject([
    { status: "fail", mend: `something else may listen there: ${isRight}` },
  ]);
  stranger.close();
});
