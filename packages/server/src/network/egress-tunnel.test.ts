import { createServer, type AddressInfo, type Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { connectRequest, judgeConnectAnswer, openEgressTunnel } from "./egress-tunnel.js";

describe("connectRequest", () => {
  test("writes an IPv6 address in brackets", () => {
    expect(connectRequest(new URL("http://p"), { hostname: "2606::1", port: 443 })).toBe(
      "CONNECT [2606::1]:443 HTTP/1.1\r\nHost: [2606::1]:443\r\n\r\n",
    );
  });

  test("sends the proxy's user name and password as Basic credentials, percent-decoded", () => {
    const request = connectRequest(new URL("http://a%40b:p%2Fw@p"), { hostname: "x.example", port: 1 });
    expect(request).toContain(
      `\r\nProxy-Authorization: Basic ${Buffer.from("a@b:p/w").toString("base64")}\r\n\r\n`,
    );
  });
});

test("credentials that are not percent-encoded go out as they are", () => {
  const request = connectRequest(new URL("http://100%:a%zz@p"), { hostname: "x.example", port: 1 });
  expect(request).toContain(`Basic ${Buffer.from("100%:a%zz").toString("base64")}\r\n`);
});

describe("judgeConnectAnswer", () => {
  test.each([
    "HTTP/1.1 200 OK",
    "HTTP/1.0 200 Connection established\r\nX: y",
    "HTTP/1.1 204",
    "HTTP/1.1 200 ",
  ])("%j opens the tunnel", (head) => expect(judgeConnectAnswer(head, 0)).toBeUndefined());

  test("a single byte behind the head closes it", () => {
    expect(judgeConnectAnswer("HTTP/1.1 200 OK", 1)?.code).toBe("upstream_failed");
  });

  test("nothing but a 2xx opens it, and no text of the proxy is repeated", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 100, max: 999 }), (text, status) => {
        fc.pre(status < 200 || status > 299);
        for (const head of [
          text,
          `HTTP/1.1 ${status} ${text}`,
          `HTTP/2 200 ${text}`,
          ` HTTP/1.1 200 ${text}`,
        ]) {
          const refusal = judgeConnectAnswer(head, 0);
          expect(refusal?.code).toBe("upstream_failed");
          if (text.length > 3) expect(refusal?.message.endsWith(text)).toBe(false);
        }
      }),
    );
  });
});

async function withProxy(serve: (socket: Socket) => void, use: (proxy: URL) => Promise<void>): Promise<void> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => undefined));
    socket.once("data", () => serve(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

const target = { hostname: "api.example", port: 443 };

describe("openEgressTunnel", () => {
  test("understands an answer that comes byte by byte, and leaves what follows to the reader", async () => {
    const serve = (socket: Socket): void => {
      socket.setNoDelay(true);
      const head = Array.from("HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
      const next = (): void => {
        const character = head.shift();
        if (character === undefined) setTimeout(() => socket.write("hello"), 20);
        else socket.write(character, () => setTimeout(next, 1));
      };
      next();
    };
    await withProxy(serve, async (proxy) => {
      const socket = await openEgressTunnel({ proxy, target, signal: new AbortController().signal });
      const received = await new Promise<string>((resolve) => {
        socket.once("data", (chunk) => resolve(chunk.toString())).resume();
      });
      expect(received).toBe("hello");
      socket.destroy();
    });
  });

  test("an abort ends it with the signal's reason, and closes the connection", async () => {
    let closed: Promise<unknown> = Promise.resolve();
    const controller = new AbortController();
    const reason = new Error("deadline");
    const serve = (socket: Socket): void => {
      closed = new Promise((resolve) => socket.once("close", resolve));
      controller.abort(reason);
    };
    await withProxy(serve, async (proxy) => {
      await expect(openEgressTunnel({ proxy, target, signal: controller.signal })).rejects.toBe(reason);
      await closed;
      await expect(openEgressTunnel({ proxy, target, signal: controller.signal })).rejects.toBe(reason);
    });
  });
});
