import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { splice } from "./splice.js";
import { WireSocket } from "./wire-socket.js";

const opened: Socket[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.destroy();
});

async function pair(): Promise<[Socket, Socket]> {
  const listener = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  const { port } = listener.address() as AddressInfo;
  const far = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  far.on("error", () => undefined);
  const [near] = await accepted;
  listener.close();
  opened.push(far, near);
  return [far, near];
}

interface Spliced {
  readonly client: Socket;
  readonly server: Socket;
  readonly near: readonly [Socket, Socket];
  readonly ended: ReturnType<typeof splice>;
  readonly control: AbortController;
}

async function spliced(
  prepare?: (client: WireSocket, server: WireSocket) => Promise<void>,
): Promise<Spliced> {
  const [client, nearClient] = await pair();
  const [server, nearServer] = await pair();
  const wires = [new WireSocket(nearClient, "client"), new WireSocket(nearServer, "server")] as const;
  if (prepare !== undefined) {
    client.write("login\nahead of client");
    server.write("ready\nahead of server");
    await prepare(...wires);
  }
  const control = new AbortController();
  return {
    ...{ client, server, near: [nearClient, nearServer], control },
    ended: splice(...wires, control.signal),
  };
}

async function heard(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "end");
  return Buffer.concat(chunks).toString("latin1");
}

describe("a splice", () => {
  test("passes on first what was sent ahead of the log-in's end, both ways", async () => {
    const { client, server, ended } = await spliced(async (clientWire, serverWire) => {
      await clientWire.readLine(100);
      await serverWire.readLine(100);
    });
    client.end(" and more");
    server.end(" and more");
    expect(await Promise.all([heard(client), heard(server)])).toEqual([
      "ahead of server and more",
      "ahead of client and more",
    ]);
    expect(await ended).toBe("closed");
  });

  test.each(["client", "server"] as const)(
    "a %s that closes its side still hears the other",
    async (first) => {
      const { client, server, ended } = await spliced();
      const [early, late] = first === "client" ? [client, server] : [server, client];
      early.end("the question");
      expect(await heard(late)).toBe("the question");
      late.write("the answer");
      setTimeout(() => late.end(", after a while"), 30);
      expect(await heard(early)).toBe("the answer, after a while");
      expect(await ended).toBe("closed");
    },
  );

  test("the client gets what came before the server was lost, and then the end", async () => {
    const { client, server, ended } = await spliced();
    server.write("x".repeat(300_000));
    await once(client, "readable");
    await new Promise((resolve) => setTimeout(resolve, 50));
    server.resetAndDestroy();
    expect((await heard(client)).length).toBe(300_000);
    client.end();
    expect(await ended).toBe("server_lost");
  });

  test("a lost client closes the server's connection", async () => {
    const { client, server, ended } = await spliced();
    client.resetAndDestroy();
    expect(await heard(server)).toBe("");
    server.end();
    expect(await ended).toBe("client_lost");
  });

  test("closes both connections when it is ended", async () => {
    const { client, server, near, ended, control } = await spliced();
    const closed = [once(client, "close"), once(server, "close")];
    client.resume();
    server.resume();
    control.abort();
    expect(await ended).toBe("ended");
    expect(near.map((socket) => socket.destroyed)).toEqual([true, true]);
    client.end();
    server.end();
    await Promise.all(closed);
  });

  test("ends when it is ended before it began", async () => {
    const [, nearClient] = await pair();
    const [, nearServer] = await pair();
    const wires = [new WireSocket(nearClient, "client"), new WireSocket(nearServer, "server")] as const;
    expect(await splice(...wires, AbortSignal.abort())).toBe("ended");
    expect([nearClient.destroyed, nearServer.destroyed]).toEqual([true, true]);
  });

  test("ends when an end was lost before it began", async () => {
    const [, nearClient] = await pair();
    const [server, nearServer] = await pair();
    const wires = [new WireSocket(nearClient, "client"), new WireSocket(nearServer, "server")] as const;
    nearClient.destroy();
    await once(nearClient, "close");
    const ended = splice(...wires, new AbortController().signal);
    expect(await heard(server)).toBe("");
    server.end();
    expect(await ended).toBe("client_lost");
  });

  test("a slow reader holds the sender back, and gets every byte", async () => {
    const { client, server, near, ended } = await spliced();
    const block = Buffer.alloc(1024 * 1024, "0123456789abcdef");
    const sent = createHash("sha256");
    const received = createHash("sha256");
    const TOTAL = 16;
    let largest = 0;
    const sending = (async () => {
      for (let index = 0; index < TOTAL; index += 1) {
        block.writeUInt32BE(index);
        sent.update(block);
        if (!server.write(Buffer.from(block))) await once(server, "drain");
        largest = Math.max(largest, near[0].writableLength);
      }
      server.end();
    })();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.writableLength).toBeGreaterThan(0);
    for await (const chunk of client) {
      received.update(chunk as Buffer);
      largest = Math.max(largest, near[0].writableLength);
    }
    await sending;
    client.end();
    expect(await ended).toBe("closed");
    expect(received.digest("hex")).toBe(sent.digest("hex"));
    expect(largest).toBeLessThan(1024 * 1024);
  });
});
