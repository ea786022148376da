import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { wasReset } from "./connection-end.js";
import { gateReads, type ReadGate } from "./read-gate.js";

const LAST_BYTES = "HTTP/1.1 200 OK\r\n\r\nlast bytes";

const server = createServer((socket) => {
  socket.on("error", () => undefined);
  socket.once("data", (how) => {
    socket.write(LAST_BYTES);
    if (how.toString() === "reset") socket.resetAndDestroy();
    else socket.end();
  });
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

/** Lets the other side end the connection before anything is read, so that bytes and end come together. */
async function endedBy(how: "reset" | "close", onEnd: (socket: Socket) => void): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  onEnd(socket);
  const read = (): Buffer | null => socket.read() as Buffer | null;
  let text = "";
  socket.write(how);
  const until = performance.now() + 5;
  while (performance.now() < until);
  await new Promise((resolve) => {
    socket
      .on("readable", () => {
        for (let chunk = read(); chunk !== null; chunk = read()) text += chunk.toString();
      })
      .on("error", () => undefined)
      .on("close", resolve);
  });
  return text;
}

describe("a connection whose last bytes and end come together", () => {
  test.each([
    ["reset", true],
    ["close", false],
  ] as const)("by %s was reset: %s", async (how, expected) => {
    for (let round = 0; round < 20; round += 1) {
      const found: boolean[] = [];
      const text = await endedBy(how, (socket) => {
        socket.prependListener("end", () => found.push(wasReset(socket)));
        socket.prependListener("error", () => found.push(true));
      });
      expect(text === "" ? LAST_BYTES : text).toBe(LAST_BYTES);
      expect(found).toEqual([expected]);
    }
  });

  test.each([
    ["reset", true],
    ["close", false],
  ] as const)("by %s is a failure at the gate: %s", async (how, expected) => {
    let gate: ReadGate | undefined;
    await endedBy(how, (socket) => gateReads(socket, (own) => (gate = own)));
    if (expected) expect(gate?.failure).not.toBeNull();
    else expect(gate?.failure).toBeNull();
  });
});
