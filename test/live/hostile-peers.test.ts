import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startLiveVault, type LiveVault } from "./live-vault.js";
import { connectTo, eventually, exchange, startRawUpstream, wait, type RawUpstream } from "./raw-sockets.js";
import { call, open } from "./vault-calls.js";

const MEGABYTE = 1024 * 1024;

let live: LiveVault;
let upstream: RawUpstream | undefined;

beforeAll(async () => {
  live = await startLiveVault();
});

afterAll(() => live.close());

/** The server must have survived whatever the test did. */
afterEach(async () => {
  await upstream?.close();
  upstream = undefined;
  expect((await call(live.server.address, "GET", "/health")).status).toBe(200);
});

/** Puts the service `raw` in front of an upstream that writes what it likes. */
async function serveRaw(
  onRequest: (socket: Socket, head: string) => void,
  settings: object = {},
): Promise<void> {
  upstream = await startRawUpstream(onRequest);
  await live.addService(
    "raw",
    { type: "bearer", token: "raw-secret" },
    { base_url: upstream.origin, tls_ca: undefined, ...settings },
  );
}

const head = (method: string, path: string, ...fields: string[]): string =>
  [
    `${method} ${path} HTTP/1.1`,
    "Host: localhost",
    `Authorization: Bearer ${live.token}`,
    ...fields,
    "",
    "",
  ].join("\r\n");

const get = () => call(live.server.address, "GET", "/proxy/raw/x", { token: live.token });

async function readToEnd(): Promise<number> {
  let bytes = 0;
  for await (const chunk of await open(live.server.address, "GET", "/proxy/raw/x", { token: live.token })) {
    bytes += (chunk as Buffer).length;
  }
  return bytes;
}

describe("a caller", () => {
  test("that resets its connection right after CONNECT, or after garbage, hurts nobody", async () => {
    for (let round = 0; round < 200; round += 1) {
      const socket = connectTo(live.server.address);
      socket.write(round % 2 === 0 ? "CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n" : "nonsense\r\n\r\n");
      if (round % 3 > 0) await wait(round % 5);
      socket.resetAndDestroy();
    }
    await wait(200);
  });

  test("that pipelines calls and leaves aborts all of them", async () => {
    await serveRaw((socket) =>
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
    );
    const socket = connectTo(live.server.address);
    socket.write(head("GET", "/proxy/raw/x").repeat(20));
    await eventually(() => upstream?.sockets.size === 20);
    socket.destroy();
    await eventually(() => upstream?.ended() === 20);
  });

  test("that stops sending its body is given up", async () => {
    await serveRaw(() => undefined, { idle_timeout: "300ms" });
    const answer = await exchange(
      live.server.address,
      head("POST", "/proxy/raw/x", "Content-Length: 100", "Connection: close") + "abc",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*"invalid_request"/s);
  });

  test("that does not read its answer is given up", async () => {
    const piece = Buffer.alloc(64 * 1024);
    await serveRaw(
      (socket) => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${100 * MEGABYTE}\r\n\r\n`);
        for (let sent = 0; sent < 100 * MEGABYTE; sent += piece.length) socket.write(piece);
      },
      { idle_timeout: "100ms" },
    );
    const socket = connectTo(live.server.address).pause();
    socket.write(head("GET", "/proxy/raw/x"));
    await eventually(() => upstream?.sockets.size === 1);
    await eventually(() => upstream?.ended() === 1);
    socket.destroy();
  });

  test.each(["gzip, chunked", "identity, chunked", "chunked, chunked", "xchunked", "gzip"])(
    "that uses the transfer coding %s is refused",
    async (coding) => {
      await serveRaw((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
      const request = head("POST", "/proxy/raw/x", `Transfer-Encoding: ${coding}`, "Connection: close");
      expect(await exchange(live.server.address, `${request}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
      expect(upstream?.sockets.size).toBe(0);
    },
  );

  test("whose garbage follows a call gets no second answer inside the first", async () => {
    await serveRaw((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n0123456789"));
    const received = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connectTo(live.server.address);
      socket.write(head("GET", "/proxy/raw/x"));
      socket.on("data", (chunk) => {
        text += chunk.toString();
        if (text.endsWith("0123456789")) socket.write("garbage\r\n\r\n");
      });
      socket.on("close", () => resolve(text));
    });
    expect(received).toMatch(/0123456789$/);
  });
});

test("CONNECT behind a call is no answer to that call", async () => {
  await serveRaw((socket) => {
    setTimeout(() => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), 50);
  });
  const pipelined = `${head("GET", "/proxy/raw/x")}CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n`;
  expect(await exchange(live.server.address, pipelined)).not.toContain("405");
});

describe("an upstream", () => {
  test.each([
    ["Content-Length", true],
    ["Content-Length", false],
    ["the end of the connection", true],
    ["the end of the connection", false],
  ])(
    "whose answer ends by %s, to a slow reader, arrives whole (closes at once: %s)",
    async (framing, atOnce) => {
      const size = 8 * MEGABYTE;
      await serveRaw((socket) => {
        const length = framing === "Content-Length" ? `Content-Length: ${size}\r\n` : "";
        socket.write(`HTTP/1.1 200 OK\r\n${length}Connection: close\r\n\r\n`);
        socket.write(Buffer.alloc(size));
        if (atOnce) socket.end();
        else setTimeout(() => socket.end(), 200);
      });
      const answer = await open(live.server.address, "GET", "/proxy/raw/x", { token: live.token });
      await wait(400);
      let bytes = 0;
      for await (const chunk of answer) {
        bytes += (chunk as Buffer).length;
        if (bytes < MEGABYTE) await wait(1);
      }
      expect(bytes).toBe(size);
    },
  );

  test("that resets the connection of a held-back answer breaks only that call", async () => {
    for (let round = 0; round < 30; round += 1) {
      await serveRaw((socket) => {
        socket.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        socket.write(Buffer.alloc(4 * MEGABYTE));
        setTimeout(() => socket.resetAndDestroy(), 5 + round * 5);
      });
      const socket = connectTo(live.server.address).pause();
      socket.write(head("GET", "/proxy/raw/x"));
      await wait(20 + round * 5);
      socket.destroy();
      await upstream?.close();
    }
  });

  test.each(["caf\u00e9", "\u20ac", "a\u0001b", ""])(
    "with the reason phrase %j is answered all the same",
    async (reason) => {
      await serveRaw((socket) => {
        socket.write(Buffer.from(`HTTP/1.1 404 ${reason}\r\nContent-Length: 2\r\n\r\nno`, "utf8"));
      });
      expect(await get()).toMatchObject({ status: 404, text: "no" });
    },
  );

  test.each(["gzip, chunked", "chunked, gzip", "xchunked", "gzip"])(
    "with the transfer coding %s is 502",
    async (coding) => {
      await serveRaw((socket) => {
        socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n`);
        socket.end();
      });
      expect(await get()).toMatchObject({ status: 502, json: { code: "upstream_failed" } });
    },
  );

  test("that resets an answer which only the connection's end would end is a broken transfer", async () => {
    await serveRaw((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\nonly this");
      setTimeout(() => socket.resetAndDestroy(), 50);
    });
    await expect(readToEnd()).rejects.toThrow();
  });

  test("that breaks off is a reset for a caller of HTTP/1.0, which knows no other sign", async () => {
    await serveRaw((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n");
      setTimeout(() => socket.destroy(), 50);
    });
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      const socket = connectTo(live.server.address);
      socket.write(head("GET", "/proxy/raw/x").replace("HTTP/1.1", "HTTP/1.0"));
      socket
        .on("error", resolve)
        .on("end", () => resolve(undefined))
        .resume();
    });
    expect(error?.code).toBe("ECONNRESET");
  });

  test.each([304, 204])(
    "that answers %i with a Content-Length leaves the connection usable",
    async (status) => {
      await serveRaw((socket, request) => {
        const isFirst = request.includes("/first");
        socket.write(
          isFirst
            ? `HTTP/1.1 ${status} X\r\nContent-Length: 10\r\n\r\n`
            : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        );
      });
      const received = await exchange(
        live.server.address,
        head("GET", "/proxy/raw/first") + head("GET", "/proxy/raw/second", "Connection: close"),
      );
      expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*HTTP/1\\.1 200 .*ok$`, "s"));
    },
  );

  test("that sends interim answers for ever has no more time than any other", async () => {
    const timers: NodeJS.Timeout[] = [];
    await serveRaw(
      (socket) => {
        timers.push(setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), 100));
      },
      { response_timeout: "500ms" },
    );
    const answer = await get();
    timers.forEach(clearInterval);
    expect(answer).toMatchObject({ status: 504, json: { code: "upstream_timeout" } });
  });

  test.each([
    ["garbage", "nonsense\r\n\r\n"],
    ["200 KB of headers", `HTTP/1.1 200 OK\r\n${`X-Pad: ${"x".repeat(1000)}\r\n`.repeat(200)}\r\n`],
    [
      "both framings",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
    ["chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
    ["101 that names no protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"],
    ["nothing", ""],
  ])("that answers with %s is 502", async (_what, text) => {
    await serveRaw((socket) => socket.end(text));
    expect(await get()).toMatchObject({ status: 502, json: { code: "upstream_failed" } });
  });
});

describe("an upstream that", () => {
  test("sends interim answers without end is given up", async () => {
    await serveRaw((socket) => {
      const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), 1);
      socket.on("close", () => clearInterval(timer));
    });
    const answer = await exchange(live.server.address, head("GET", "/proxy/raw/x", "Connection: close"));
    expect(answer.split("103 Early Hints").length - 1).toBe(32);
    expect(answer).toMatch(/HTTP\/1\.1 502 .*"upstream_failed"/s);
  });

  test("sends 100 Continue without end is given up, and keeps nobody else waiting", async () => {
    const flood = "HTTP/1.1 100 Continue\r\n\r\n".repeat(4000);
    await serveRaw((socket) => {
      const write = (): void => {
        while (!socket.destroyed && socket.write(flood));
      };
      socket.on("drain", write);
      write();
    });
    const answer = get();
    for (let round = 0; round < 5; round += 1) {
      const started = performance.now();
      expect((await call(live.server.address, "GET", "/health")).status).toBe(200);
      expect(performance.now() - started).toBeLessThan(1_000);
    }
    expect(await answer).toMatchObject({ status: 502, json: { code: "upstream_failed" } });
  });

  test("sends 100 Continue for ever, slowly, has no more time than any other", async () => {
    await serveRaw(
      (socket) => {
        const timer = setInterval(() => socket.write("HTTP/1.1 100 Continue\r\n\r\n"), 300);
        socket.on("close", () => clearInterval(timer));
      },
      { response_timeout: "1s" },
    );
    expect(await get()).toMatchObject({ status: 504, json: { code: "upstream_timeout" } });
  });

  test("pads its gzip data with zeros is read like any other", async () => {
    const bytes = Buffer.concat([gzipSync("hello"), Buffer.alloc(700)]);
    await serveRaw((socket) => {
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n` +
          `Content-Length: ${bytes.length}\r\n\r\n`,
      );
      socket.write(bytes.subarray(0, 100));
      setTimeout(() => socket.write(bytes.subarray(100, 400)), 50);
      setTimeout(() => socket.write(bytes.subarray(400)), 100);
    });
    expect(await get()).toMatchObject({ status: 200, text: "hello" });
  });

  test.each([
    ["br", brotliCompressSync],
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ])(
    "sends more bytes behind %s data shows no clean end, and its call does not go on",
    async (coding, encode) => {
      const chunk = (bytes: Buffer): Buffer =>
        Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
      await serveRaw((socket) => {
        socket.write(
          `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: ${coding}\r\n` +
            "Transfer-Encoding: chunked\r\n\r\n",
        );
        socket.write(chunk(encode(Buffer.from("hello"))));
        const timer = setInterval(() => socket.write(chunk(Buffer.from("garbage"))), 50);
        socket.on("close", () => clearInterval(timer));
      });
      const answer = await exchange(live.server.address, head("GET", "/proxy/raw/x", "Connection: close"));
      expect(answer).not.toMatch(/\r\n0\r\n\r\n$/);
      await eventually(() => upstream?.ended() === 1);
    },
  );
});
