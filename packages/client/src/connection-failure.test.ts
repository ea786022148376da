import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { onTestFinished, test, expect } from "vitest";

import { VaultClient } from "./index.js";
import { TOKEN } from "./testing/client-fixture.js";

/** A port that does this with each connection, and the client of it. */
async function clientOf(act: (socket: Socket) => void, scheme = "http"): Promise<VaultClient> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => act(socket));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const addr = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return new VaultClient({ addr, token: TOKEN, retries: 0 });
}

const failed = (message: string) => ({ name: "VaultError", code: "connection_failed", message });

test("a call whose connection ended without an answer is told as one that may have been made", async () => {
  for (const act of [
    (socket: Socket) => socket.resetAndDestroy(),
    (socket: Socket) => socket.end("HTTP/1.1 200 O"),
    (socket: Socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Le"),
  ]) {
    const client = await clientOf(act);
    const ended = `vault-server at ${client.addr} ended the connection without an answer (ECONNRESET)`;
    const tls = "where it has TLS, write https://";
    await expect(client.proxy("api", "POST", "/", {})).rejects.toMatchObject(
      failed(`${ended}; the call may have been made; ${tls}`),
    );
    await expect(client.createToken("proxy")).rejects.toThrow("the call may have been made");
    // Asking again does no harm.
    await expect(client.listServices()).rejects.toMatchObject(failed(`${ended}; ${tls}`));
  }
});

test("an answer that is cut off is not told as a vault that cannot be reached", async () => {
  const client = await clientOf((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[{"));
  await expect(client.createToken("proxy")).rejects.toMatchObject(
    failed(`the answer of vault-server at ${client.addr} was cut off (ECONNRESET)`),
  );
});

test("where nobody listens, and after a time-out, what to do next is told", async () => {
  const gone = new VaultClient({ addr: "http://127.0.0.1:9", token: TOKEN, retries: 0 });
  await expect(gone.health()).rejects.toMatchObject(
    failed(
      "cannot reach vault-server at http://127.0.0.1:9 (ECONNREFUSED) (nobody listens there: start vault-server, or give the right address as `addr`, or in VAULT_ADDR for New)",
    ),
  );
  const none = new VaultClient({ socketPath: "/nothing/there.sock", token: TOKEN, retries: 0 });
  await expect(none.health()).rejects.toThrow("or give the right one as `socketPath`");
  const silent = await clientOf(() => undefined);
  const limit = { timeoutMs: 20 };
  const timeout = {
    code: "timeout",
    message: "no answer within 0.02 s (`timeoutMs` sets the limit, 0 for none)",
  };
  await expect(silent.listServices(limit)).rejects.toMatchObject(timeout);
  await expect(silent.proxy("api", "POST", "/", {}, limit)).rejects.toThrow(
    "no answer within 0.02 s; the call may have been made (`timeoutMs`",
  );
});

test("what speaks no HTTP, or no TLS, is told as that", async () => {
  const stranger = await clientOf((socket) => socket.end("SSH-2.0-OpenSSH_9.9\r\n"));
  await expect(stranger.health()).rejects.toMatchObject(
    failed(`what answers at ${stranger.addr} does not speak HTTP (HPE_INVALID_CONSTANT)`),
  );
  const plain = await clientOf((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"), "https");
  await expect(plain.health()).rejects.toMatchObject({
    code: "connection_failed",
    message: expect.stringMatching(
      /^what answers at https:\S+ does not speak TLS \(\w+\); where it has none, write http:\/\/$/,
    ) as string,
  });
});
