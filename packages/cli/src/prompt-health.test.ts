import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { VaultClient } from "@vault-proxy/client";
import { expect, test } from "vitest";

import { promptHealth } from "./prompt-health.js";

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
