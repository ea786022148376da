import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createRelayDoor } from "./relay-door.js";
import { encodePreamble, RELAY_KEY_BYTES } from "./relay-preamble.js";

const key = Buffer.alloc(RELAY_KEY_BYTES, 7);
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

function ignore(): void {
  return undefined;
}

async function startDoor(): Promise<number> {
  const http = createServer(({ socket, url }, response) => {
    response.setHeader("Connection", "close");
    response.end(`${String(socket.remoteAddress)} ${String(socket.localPort)} ${String(url)}`);
  });
  const door = createRelayDoor({
    key,
    log: silent,
    serve: (connection) => http.emit("connection", connection),
  });
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => new Promise((resolve) => door.close(resolve)));
  return (door.address() as AddressInfo).port;
}

/** Sends the pieces one after the other; gives all that comes back. */
function send(port: number, pieces: readonly Buffer[]): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    socket.on("data", (chunk) => (received += chunk.toString()));
    socket.on("error", ignore).on("close", () => resolve(received));
    pieces.reduce((sent, piece) => sent.then(() => write(piece)), Promise.resolve()).catch(ignore);
    const write = (piece: Buffer): Promise<void> =>
      new Promise((written) => socket.write(piece, () => setTimeout(written, 1)));
  });
}

const request = Buffer.from("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
const start = encodePreamble(key, { remoteAddress: "192.0.2.7", localPort: 8390, encrypted: false });

test("a connection that begins with the key stands for its peer, however its bytes arrive", async () => {
  const port = await startDoor();
  const whole = Buffer.concat([start, request]);
  expect(await send(port, [whole])).toContain("192.0.2.7 8390 /x");
  for (const at of [1, RELAY_KEY_BYTES, RELAY_KEY_BYTES + 1, start.length, start.length + 3]) {
    expect(await send(port, [whole.subarray(0, at), whole.subarray(at)])).toContain("192.0.2.7 8390 /x");
  }
  const bytes = Array.from(whole, (byte) => Buffer.from([byte]));
  expect(await send(port, bytes)).toContain("192.0.2.7 8390 /x");
});

test("any other connection is closed without a word", async () => {
  const port = await startDoor();
  const wrong = encodePreamble(Buffer.alloc(RELAY_KEY_BYTES, 8), { encrypted: false });
  expect(await send(port, [wrong, request])).toBe("");
  expect(await send(port, [request, Buffer.alloc(64)])).toBe("");
});
