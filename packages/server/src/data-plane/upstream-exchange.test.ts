import { connect, type Socket } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { ReadGate } from "../network/read-gate.js";
import type { PartialMatch } from "../scrubbing/partial-match.js";
import { receive, serveCalls } from "./testing/served-calls.js";
import { UpstreamExchange, type ExchangeOutcome } from "./upstream-exchange.js";

const SECRET = "sk-live-0123456789abcdef";
const CHUNKED = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n";

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** An exchange for each call, in front of an upstream that does what it likes with the connection. */
async function startExchanges(onRequest: (socket: Socket) => void, secret = SECRET, endsAtPartial = false) {
  const outcomes: ExchangeOutcome[] = [];
  const partial: PartialMatch[] = [];
  const calls = await serveCalls({
    secret,
    onUpstreamConnection: (socket) => void socket.on("data", () => onRequest(socket)),
    serve(request, response, route) {
      const exchange = new UpstreamExchange({
        ...{ request, response, requestId: "r", tokenDigest: "d", route, basePath: "" },
        now: () => performance.now(),
        countBytes: () => undefined,
        onPartialMatch: (match) => {
          partial.push(match);
          if (endsAtPartial) exchange.end(new VaultProxyError("token_suspended", "no more"));
        },
        onEnd: (_exchange, outcome) => outcomes.push(outcome),
      });
      route.dispatcher.dispatch({ method: "GET", path: "/", headers: [] }, exchange);
    },
  });
  stops.push(() => calls.close());
  return { port: calls.port, outcomes, partial };
}

const chunk = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
const encoded = (coding: string, ...pieces: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from(`${CHUNKED}Content-Encoding: ${coding}\r\n\r\n`), ...pieces.map(chunk)]);

describe("the head of an answer leaves at once", () => {
  test.each([
    ["gzip", gzipSync("hello")],
    ["deflate", deflateSync("hello")],
    ["br", brotliCompressSync("hello")],
  ])("though nothing of its %s body can be decoded yet", async (coding, whole) => {
    const { port } = await startExchanges((socket) => socket.write(encoded(coding, whole.subarray(0, 2))));
    expect(await receive(port, /\r\n\r\n/)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test("though the first piece of its body may be the start of a secret", async () => {
    const { port } = await startExchanges((socket) =>
      socket.write(`${CHUNKED}\r\n8\r\n${SECRET.slice(0, 8)}\r\n`),
    );
    expect(await receive(port, /\r\n\r\n/)).toMatch(/\r\n\r\n$/);
  });

  test("though it has no body yet", async () => {
    const { port } = await startExchanges((socket) => socket.write(`${CHUNKED}\r\n`));
    expect(await receive(port, /\r\n\r\n/)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});

test("the end of an answer is told to its own connection, whichever was read last", async () => {
  const told: string[] = [];
  const calls = await serveCalls({
    secret: SECRET,
    onUpstreamConnection: (socket) =>
      void socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end")),
    serve(request, response, route) {
      let isOtherRead = false;
      const currentGate = (): ReadGate | undefined => {
        const gate = route.currentGate();
        const name = isOtherRead ? "another" : "its own";
        return gate && { ...gate, answerEnded: () => void told.push(name) };
      };
      response.once("finish", () => told.push("answered"));
      const exchange = new UpstreamExchange({
        ...{
          request,
          response,
          requestId: "r",
          tokenDigest: "d",
          route: { ...route, currentGate },
          basePath: "",
        },
        now: () => performance.now(),
        // The body has begun: from here on another connection of the service may be read.
        countBytes: () => (isOtherRead = true),
        onPartialMatch: () => undefined,
        onEnd: () => undefined,
      });
      route.dispatcher.dispatch({ method: "GET", path: "/", headers: [] }, exchange);
    },
  });
  stops.push(() => calls.close());
  expect(await receive(calls.port, /to the end/)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  await expect.poll(() => told).toEqual(["its own", "answered"]);
});

describe("an answer that breaks before its head has left is 502", () => {
  test.each([
    ["a bad trailer", `${CHUNKED}\r\n2\r\nok\r\n0\r\nno trailer\r\n\r\n`],
    ["a bad chunk size", `${CHUNKED}\r\n2\r\nok\r\nno size\r\n`],
    ["a trailer that contradicts the length", `${CHUNKED}\r\n2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n`],
    ["text that is said to be gzip", encoded("gzip", Buffer.from("hello"))],
    ["text that is said to be gzip above br", encoded("br, gzip", Buffer.from("hello"))],
    ["one byte that is no gzip", encoded("gzip", Buffer.from("h"))],
  ])("by %s", async (_what, bytes) => {
    const { port, outcomes } = await startExchanges((socket) => socket.write(bytes));
    expect(await receive(port)).toMatch(
      /^HTTP\/1\.1 502 .*\r\nX-Vault-Error: upstream_failed\r\n.*"code":"upstream_failed"/s,
    );
    expect(outcomes).toMatchObject([{ status: 200, error: { code: "upstream_failed" } }]);
  });

  test("and one that breaks later breaks off", async () => {
    const { port, outcomes } = await startExchanges((socket) => {
      socket.write(`${CHUNKED}\r\n2\r\nok\r\n`);
      setTimeout(() => socket.write("no size\r\n"), 50);
    });
    const received = await receive(port);
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n2\r\nok\r\n$/s);
    expect(outcomes).toMatchObject([{ status: 200, error: { code: "upstream_failed" } }]);
  });

  test.each<[string, (socket: Socket) => unknown]>([
    ["by what follows it", (socket) => socket.write("4\r\nlast\r\nno size\r\n")],
    ["by the end of the connection", (socket) => socket.end("4\r\nlast\r\n")],
  ])("and of one that breaks off %s the last piece arrives", async (_what, breakOff) => {
    const { port, outcomes } = await startExchanges((socket) => {
      socket.write(`${CHUNKED}\r\n2\r\nok\r\n`);
      setTimeout(() => breakOff(socket), 50);
    });
    expect(await receive(port)).toMatch(/\r\n2\r\nok\r\n4\r\nlast\r\n$/s);
    expect(outcomes).toMatchObject([{ status: 200, error: { code: "upstream_failed" } }]);
  });
});

test("what came ahead of a call's end arrives, though both come in one turn", async () => {
  const calls = await serveCalls({
    secret: SECRET,
    onUpstreamConnection: (socket) =>
      void socket.on("data", () => {
        socket.write(`${CHUNKED}\r\n2\r\nok\r\n`);
        setTimeout(() => socket.write("5\r\nallow\r\n3\r\nnot\r\n"), 50);
      }),
    serve(request, response, route) {
      const exchange = new UpstreamExchange({
        ...{ request, response, requestId: "r", tokenDigest: "d", route, basePath: "" },
        now: () => performance.now(),
        countBytes: (bytes) => {
          if (bytes === 3) exchange.end(new VaultProxyError("rate_limited", "no more bytes"));
        },
        onPartialMatch: () => undefined,
        onEnd: () => undefined,
      });
      route.dispatcher.dispatch({ method: "GET", path: "/", headers: [] }, exchange);
    },
  });
  stops.push(() => calls.close());
  expect(await receive(calls.port)).toMatch(/\r\n2\r\nok\r\n5\r\nallow\r\n$/s);
});

test.each([
  ["is made once more", "", 1],
  ["is not, once an interim answer has come", "HTTP/1.1 103 Early Hints\r\n\r\n", 0],
])("a call whose connection is lost %s", async (_what, before, retries) => {
  let retried = 0;
  const calls = await serveCalls({
    secret: SECRET,
    onUpstreamConnection: (socket) => void socket.on("data", () => socket.end(before)),
    serve(request, response, route) {
      const send = (): void =>
        void route.dispatcher.dispatch({ method: "GET", path: "/", headers: [] }, exchange);
      const exchange = new UpstreamExchange({
        ...{ request, response, requestId: "r", tokenDigest: "d", route, basePath: "" },
        now: () => performance.now(),
        countBytes: () => undefined,
        onPartialMatch: () => undefined,
        retry: () => {
          retried += 1;
          send();
        },
        onEnd: () => undefined,
      });
      send();
    },
  });
  stops.push(() => calls.close());
  expect(await receive(calls.port)).toMatch(/HTTP\/1\.1 502 /);
  expect(retried).toBe(retries);
});

describe("an answer in an encoding that cannot be searched", () => {
  const wide = Buffer.from(`{"key":"${SECRET}"}`, "utf16le");
  const answer = (type: string, bytes: Buffer, coding = ""): Buffer =>
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${coding}Content-Length: ${bytes.length}\r\n\r\n`,
      ),
      bytes,
    ]);

  test.each([
    ["as its charset says", "text/plain; charset=x-own", Buffer.from("hello")],
    ["as its NULs show", "application/json", wide],
    [
      "as its byte order mark shows",
      "text/plain; charset=utf-8",
      Buffer.concat([Buffer.from([0xff, 0xfe]), wide]),
    ],
    ["as its NULs show, of an unreadable type", "json", wide],
  ])("is 502, %s", async (_what, type, bytes) => {
    const { port } = await startExchanges((socket) => socket.write(answer(type, bytes)));
    expect(await receive(port)).toMatch(/^HTTP\/1\.1 502 .*"code":"upstream_failed"/s);
  });

  test("breaks off where that shows later", async () => {
    const { port, outcomes } = await startExchanges((socket) => {
      const whole = answer("text/plain", wide);
      socket.write(whole.subarray(0, -wide.length));
      setTimeout(() => socket.write(wide), 50);
    });
    expect(await receive(port)).toMatch(/\r\n\r\n$/);
    expect(outcomes).toMatchObject([{ status: 200, error: { code: "upstream_failed" } }]);
  });

  test("breaks off where that shows when it is decoded", async () => {
    const { port, outcomes } = await startExchanges((socket) =>
      socket.write(answer("text/plain", gzipSync(wide), "Content-Encoding: gzip\r\n")),
    );
    expect(await receive(port)).not.toContain("k\0e\0y");
    expect(outcomes).toMatchObject([{ error: { code: "upstream_failed" } }]);
  });

  test("may be, where the type is a binary one", async () => {
    const { port, outcomes } = await startExchanges((socket) => socket.write(answer("image/png", wide)));
    expect(await receive(port)).toMatch(/^HTTP\/1\.1 200 /);
    expect(outcomes).toMatchObject([{ error: undefined }]);
  });
});

test("a secret in Content-Type is overwritten, and the body is searched by the type that it was", async () => {
  const { port } = await startExchanges(
    (socket) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Type: application/json-seq\r\nContent-Length: 10\r\n\r\n"json-seq"',
      ),
    "json-seq",
  );
  expect(await receive(port)).toMatch(/\r\nContent-Type: application\/\*{8}\r\n.*\r\n\r\n"\*{8}"$/s);
});

describe("an answer that holds a part of a secret", () => {
  const part = (status: number, body: string): string =>
    `HTTP/1.1 ${status} OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  test.each([
    ["at the end of a part", part(206, `text ${SECRET.slice(0, 14)}`), { at: "end", length: 14 }],
    ["at the start of a part", part(206, `${SECRET.slice(10)} text`), { at: "start", length: 14 }],
    ["that is all of a part", part(206, SECRET.slice(4, 16)), { at: "end", length: 12 }],
    [
      "at the end of a piece",
      `${CHUNKED}\r\nd\r\n${SECRET.slice(0, 13)}\r\n1\r\n?\r\n0\r\n\r\n`,
      { at: "inside", length: 13 },
    ],
  ])("%s tells of it", async (_what, bytes, expected) => {
    const { port, partial } = await startExchanges((socket) => socket.write(bytes));
    await receive(port);
    expect(partial).toEqual([expected]);
  });

  test.each([
    ["a short one", part(206, `text ${SECRET.slice(0, 9)}`)],
    ["a whole one at the end", part(206, `text ${SECRET}`)],
    ["a whole one at the start", part(206, `${SECRET} text`)],
    ["a whole one that is all", part(206, SECRET)],
    ["one in the middle", part(206, `text ${SECRET.slice(0, 15)} text`)],
  ])("does not where it is %s", async (_what, bytes) => {
    const { port, partial } = await startExchanges((socket) => socket.write(bytes));
    await receive(port);
    expect(partial).toEqual([]);
  });

  test("may be ended by it, whatever else came", async () => {
    const bytes = ["?", SECRET.slice(0, 12), "?", "more", SECRET.slice(0, 13), "?"].map((text) =>
      chunk(Buffer.from(text)),
    );
    const { port, partial, outcomes } = await startExchanges(
      (socket) =>
        socket.write(Buffer.concat([Buffer.from(`${CHUNKED}\r\n`), ...bytes, Buffer.from("0\r\n\r\n")])),
      SECRET,
      true,
    );
    expect(await receive(port)).not.toContain("more");
    expect(partial).toEqual([{ at: "inside", length: 12 }]);
    expect(outcomes).toMatchObject([{ error: { code: "token_suspended" } }]);
  });
});

describe("an answer that comes whole in one piece arrives whole", () => {
  test.each([
    ["with a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", /\r\n\r\nok$/],
    ["in chunks", `${CHUNKED}\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n`, /\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n$/],
    ["in gzip", encoded("gzip", gzipSync("hello"), Buffer.alloc(0)), /\r\n5\r\nhello\r\n0\r\n\r\n$/],
    [
      "without a body",
      "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n",
      /^HTTP\/1\.1 204 .*\r\n\r\n$/s,
    ],
    ["with garbage behind it", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokgarbage", /\r\n\r\nok$/],
  ])("%s", async (_what, bytes, expected) => {
    const { port, outcomes } = await startExchanges((socket) => socket.write(bytes));
    expect(await receive(port)).toMatch(expected);
    expect(outcomes).toMatchObject([{ error: undefined }]);
  });
});

test("an answer before the whole of the request reaches a caller that sends on, and does not break its connection", async () => {
  const { port } = await startExchanges((socket) =>
    socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 8\r\n\r\ntoo much"),
  );
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const errors: Error[] = [];
  let text = "";
  socket.on("error", (error) => errors.push(error));
  const ended = new Promise((resolve) => socket.on("close", resolve));
  const answered = new Promise<void>((resolve) =>
    socket.on("data", (received) => {
      text += received.toString();
      if (text.endsWith("too much")) resolve();
    }),
  );
  socket.write("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2000000\r\n\r\n");
  await answered;
  for (let part = 0; part < 20; part += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    socket.write(Buffer.alloc(100_000));
  }
  socket.end();
  await ended;
  expect(errors).toEqual([]);
  expect(text).toMatch(/^HTTP\/1\.1 413 .*too much$/s);
});
