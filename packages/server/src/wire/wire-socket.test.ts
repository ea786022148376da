import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { ProtocolViolation } from "./protocol-violation.js";
import { WireSocket } from "./wire-socket.js";

const opened: Socket[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.destroy();
});

/** A real connection on loopback. */
async function pair(): Promise<{ far: Socket; wire: WireSocket; near: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const far = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", noDelay: true });
  const [near] = await accepted;
  server.close();
  far.on("error", () => undefined);
  opened.push(far, near);
  return { far, near, wire: new WireSocket(near, "client") };
}

describe("a wire socket", () => {
  test("gives whole lines, however the bytes come, and what stands behind them", async () => {
    const { far, wire } = await pair();
    const sent = "one\r\ntwo\r\nrest";
    void (async () => {
      for (const byte of sent) {
        far.write(byte);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      far.end();
    })();
    expect((await wire.readLine(10)).toString()).toBe("one\r\n");
    expect((await wire.readLine(10)).toString()).toBe("two\r\n");
    expect((await wire.readExactly(2)).toString()).toBe("re");
    await expect(wire.readLine(10)).rejects.toThrow("the connection ended in the middle");
    expect(wire.detach().rest.toString()).toBe("st");
  });

  test("loses nothing of what a client sent ahead before it closed its side", async () => {
    const { far, wire, near } = await pair();
    far.end("hello\nahead");
    await once(far, "finish");
    expect((await wire.readLine(100)).toString()).toBe("hello\n");
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { socket, rest } = wire.detach();
    expect(rest.toString()).toBe("ahead");
    socket.resume();
    if (!near.readableEnded) await once(socket, "end");
    expect(near.readableEnded).toBe(true);
  });

  test.each([
    ["a line that is too long", "x".repeat(11)],
    ["a whole line that is too long", `${"x".repeat(10)}\n`],
  ])("refuses %s", async (_name, sent) => {
    const { far, wire } = await pair();
    far.write(sent);
    await expect(wire.readLine(10)).rejects.toThrow("a message is too long");
    await expect(wire.readLine(10)).rejects.toMatchObject({ peer: "client" });
  });

  test("takes a line of just the length that is allowed", async () => {
    const { far, wire } = await pair();
    far.write(`${"x".repeat(9)}\n`);
    expect(await wire.readLine(10)).toHaveLength(10);
  });

  test("says whose fault it is where the parser does not know", async () => {
    const { far, wire } = await pair();
    far.write("x");
    const reading = wire.read(() => {
      throw new ProtocolViolation("no x is allowed");
    }, 10);
    await expect(reading).rejects.toMatchObject({ message: "no x is allowed", peer: "client" });
  });

  test("tells a reader and a writer why it was destroyed", async () => {
    const { wire } = await pair();
    const reading = wire.readLine(10);
    wire.destroy(new Error("locked"));
    await expect(reading).rejects.toThrow("locked");
    await expect(wire.write("x")).rejects.toThrow("locked");
  });

  test("says goodbye before it closes, also to a far end that is still sending", async () => {
    const { far, wire } = await pair();
    far.write("y".repeat(100_000));
    let heard = "";
    far.on("data", (chunk: Buffer) => (heard += chunk.toString()));
    const closed = once(far, "close");
    await wire.end("bye\r\n");
    await closed;
    expect(heard).toBe("bye\r\n");
  });

  test("a read that waits when the connection is given away takes nothing that comes then", async () => {
    const { far, wire, near } = await pair();
    let hasRead = false;
    const reading = wire.readSome().then(() => (hasRead = true));
    far.write("late");
    await once(near, "readable");
    // The reader has been woken, and would take the bytes before any that listens from now on.
    const { socket, rest } = wire.detach();
    const heard = [rest];
    socket.on("data", (chunk: Buffer) => heard.push(chunk));
    far.end("r");
    await once(socket, "end");
    expect(Buffer.concat(heard).toString()).toBe("later");
    await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 10))]);
    expect(hasRead).toBe(false);
  });

  test("gives what is there", async () => {
    const { far, wire } = await pair();
    far.write("some");
    expect((await wire.readSome()).toString()).toBe("some");
    far.write("more");
    expect((await wire.readSome()).toString()).toBe("more");
  });

  test("knows of bytes that nobody asked for", async () => {
    const { far, wire } = await pair();
    expect(wire.hasMore).toBe(false);
    far.write("a\nb");
    await wire.readLine(10);
    expect(wire.hasMore).toBe(true);
  });

  test("a far end that resets the connection ends a read", async () => {
    const { far, wire } = await pair();
    const reading = wire.readLine(10);
    far.resetAndDestroy();
    await expect(reading).rejects.toThrow("the connection ended in the middle");
  });
});
