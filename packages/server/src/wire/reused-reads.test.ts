import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { dial } from "./dial.js";
import { splice } from "./splice.js";
import { WireSocket } from "./wire-socket.js";

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.push(socket.on("error", () => undefined));
    onConnection(socket);
  });
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A server that is dialled as a session dials it, spliced to a client. */
async function spliced(onServer: (socket: Socket) => void): Promise<{
  client: Socket;
  near: Socket;
  ended: ReturnType<typeof splice>;
}> {
  const { signal } = new AbortController();
  const target = { host: "127.0.0.1", allowPrivate: true };
  const port = await listen(onServer);
  const nears: Socket[] = [];
  const door = await listen((socket) => void nears.push(socket));
  const client = connect({ port: door, host: "127.0.0.1", allowHalfOpen: true });
  sockets.push(client.on("error", () => undefined));
  while (nears.length === 0) await delay(1);
  const near = nears[0]!;
  const server = await dial({ ...target, port }, { signal });
  return { client, near, ended: splice(new WireSocket(near, "client"), server, signal) };
}

const MEGABYTES = 16;

/** Pseudo-random, so that bytes of another read in their place are noticed. */
function stream(seed: Buffer): { send: (to: Socket) => void; digest: string } {
  const blocks = Array.from({ length: MEGABYTES * 16 }, (_, index) =>
    createHash("shake256", { outputLength: 64 * 1024 })
      .update(seed)
      .update(String(index))
      .digest(),
  );
  const hash = createHash("sha256");
  for (const block of blocks) hash.update(block);
  return { send: (to) => (blocks.forEach((block) => to.write(block)), to.end()), digest: hash.digest("hex") };
}

describe("reads into one Buffer", () => {
  test("pass every byte on in order to a client that stops reading ever so often", async () => {
    const { send, digest } = stream(randomBytes(16));
    const { client, near, ended } = await spliced((server) => server.once("data", () => send(server)));
    const hash = createHash("sha256");
    let chunks = 0;
    let most = 0;
    client.on("data", (chunk: Buffer) => {
      hash.update(chunk);
      most = Math.max(most, near.writableLength);
      chunks += 1;
      if (chunks % 40 !== 0) return;
      client.pause();
      setTimeout(() => client.resume(), 5);
    });
    client.write("go");
    await once(client, "end");
    expect(hash.digest("hex")).toBe(digest);
    // Back-pressure: never more than a few reads wait for the client.
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(1024 * 1024);
    client.end();
    expect(await ended).toBe("closed");
  }, 20_000);

  test("leave small pieces alone that wait for the client, when the next ones come", async () => {
    const sent = createHash("sha256");
    const { client, near, ended } = await spliced((server) => {
      let index = 0;
      let waiting = 0;
      const send = (): void => {
        // One by one, so that each is read for itself, and some more once the system takes nothing for the client.
        if (near.writableLength > 0) waiting += 1;
        if (waiting > 20) return void server.end();
        const block = Buffer.alloc(3000, String(index));
        index += 1;
        sent.update(block);
        server.write(block, () => setImmediate(send));
      };
      server.once("data", send);
    });
    client.pause().write("go");
    while (near.writableLength === 0) await delay(1);
    await delay(50);
    const received = createHash("sha256");
    client.on("data", (chunk: Buffer) => received.update(chunk)).resume();
    await once(client, "end");
    expect(received.digest("hex")).toBe(sent.digest("hex"));
    client.end();
    expect(await ended).toBe("closed");
  }, 20_000);

  test("give a stream copies of its own, which later reads leave as they were", async () => {
    const port = await listen((socket) => {
      socket.write("first\n");
      socket.once("data", () => socket.write("other\n"));
    });
    const { signal } = new AbortController();
    const wire = await dial({ host: "127.0.0.1", port, allowPrivate: true }, { signal });
    const first = await wire.readLine(10);
    await wire.write("more");
    expect((await wire.readLine(10)).toString()).toBe("other\n");
    expect(first.toString()).toBe("first\n");
    wire.destroy();
  });

  test("drop what still comes when the client is gone, and both ends are closed", async () => {
    const { client, ended } = await spliced((server) => {
      const send = (): void => {
        while (!server.destroyed && server.write(Buffer.alloc(64 * 1024)));
      };
      server.on("drain", send).once("data", send);
    });
    client.write("go");
    await once(client, "data");
    client.resetAndDestroy();
    expect(await ended).toBe("client_lost");
  }, 10_000);

  test("are left to pipe where the other end is no plain connection", async () => {
    const port = await listen((socket) => socket.end("all of it"));
    const { signal } = new AbortController();
    const { socket, reads } = (
      await dial({ host: "127.0.0.1", port, allowPrivate: true }, { signal })
    ).detach();
    const to = new PassThrough();
    expect(reads?.passTo(to)).toBe(false);
    socket.pipe(to);
    expect((await to.toArray()).join("")).toBe("all of it");
    socket.destroy();
  });
});
