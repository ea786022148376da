import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "undici";
import { afterEach, describe, expect, test } from "vitest";
import { createConnector } from "./connector.js";
import type { ReadGate } from "./read-gate.js";
import { describeUpstreamError } from "./upstream-errors.js";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

let server: Server;
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

/** Asks an upstream that does what it likes with the connection, and gives the answer's body or how it failed. */
async function ask(onRequest: (socket: Socket) => void): Promise<string> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.once("data", () => onRequest(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    connect: createConnector({
      allowPrivate: true,
      rejectUnauthorized: true,
      connectTimeoutMs: 5_000,
      onRead: () => undefined,
    }),
  });
  try {
    const { body } = await client.request({ method: "GET", path: "/" });
    return await body.text();
  } catch (error) {
    const { code, message } = describeUpstreamError(error);
    return `${code}: ${message}`;
  } finally {
    await client.destroy();
  }
}

describe("100 Continue", () => {
  test("that comes without end ends the connection, and leaves everybody else their turn", async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    const started = performance.now();
    const flood = CONTINUE.repeat(4_000);
    const outcome = await ask((socket) => {
      const write = (): void => {
        while (!socket.destroyed && socket.write(flood));
      };
      socket.on("drain", write);
      write();
    });
    clearInterval(timer);
    expect(outcome).toBe("upstream_failed: the upstream's answer is not valid HTTP");
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(turns).toBeGreaterThan(0);
  });

  test("that comes alone is read over, and what comes later is read", async () => {
    expect(
      await ask((socket) => {
        socket.write(CONTINUE);
        setTimeout(() => socket.write(CONTINUE.slice(0, 9)), 20);
        setTimeout(() => socket.write(CONTINUE.slice(9) + OK.slice(0, 20)), 40);
        setTimeout(() => socket.write(OK.slice(20)), 60);
      }),
    ).toBe("ok");
  });

  test("that comes alone before the connection ends is no answer", async () => {
    expect(await ask((socket) => socket.end(CONTINUE))).toMatch(/^upstream_failed: /);
  });
});

test.each(["HTTP/2.0", "HTTP/0.9"])("an answer of %s is none of HTTP/1.1", async (version) => {
  expect(await ask((socket) => socket.write(OK.replace("HTTP/1.1", version)))).toBe(
    "upstream_failed: the upstream's answer is not valid HTTP",
  );
});

test.each(["RTSP/1.0", "ICE/1.0", "ICY", "SIP/2.0"])(
  "an answer that begins with %s is none",
  async (version) => {
    expect(await ask((socket) => socket.write(OK.replace("HTTP/1.1", version)))).toMatch(
      /^upstream_failed: /,
    );
  },
);

test("empty lines in front of an answer are read over", async () => {
  expect(await ask((socket) => socket.write(`\r\n\r\n${OK}`))).toBe("ok");
});

test.each(["HTTP/1.1 1", "HTTP/1.1 103 Early Hints\r\nLink: "])(
  "what comes between two answers and begins as %j is no part of the next one",
  async (unasked) => {
    let connections = 0;
    server = createServer((socket) => {
      connections += 1;
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
      socket.on("data", () => {
        socket.write(OK);
        if (connections === 1) setTimeout(() => socket.write(unasked), 10);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    let gate: ReadGate | undefined;
    const client = new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      connect: createConnector({
        allowPrivate: true,
        rejectUnauthorized: true,
        connectTimeoutMs: 5_000,
        onRead: (read) => (gate = read),
      }),
    });
    const askOnce = async (): Promise<string> => {
      const { body } = await client.request({ method: "POST", path: "/" });
      const text = await body.text();
      gate?.answerEnded();
      return text;
    };
    expect(await askOnce()).toBe("ok");
    await delay(50);
    expect(await askOnce()).toBe("ok");
    expect(connections).toBe(2);
    await client.destroy();
  },
);
