import { once } from "node:events";
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
    { status: "fail", mend: expect.stringContaining("use another port by --addr") as string },
  ]);
  server.close();
  for (const socket of sockets) socket.destroy();
  await once(server, "close");
  expect(await mendAt(`http://127.0.0.1:${port}`)).toMatchObject([{ status: "fail", mend: "vault-cli up" }]);
}, 20_000);
