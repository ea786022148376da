import type { Socket } from "node:net";
import type { Dispatcher } from "undici";
import { afterEach, describe, expect, test } from "vitest";
import type { ReadGate } from "../network/read-gate.js";
import { RenewingHandler, type RenewableExchange, type RenewalOptions } from "./renewing-handler.js";
import { receive, serveCalls } from "./testing/served-calls.js";
import { UpstreamExchange } from "./upstream-exchange.js";

const HEAD = "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain\r\n";

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/**
 * Sends one call whose upstream does what it likes with the connection, and whose renewal fails once `isHeldLongEnough`
 * is resolved. Gives all that the caller receives.
 */
async function callWithoutRenewal(
  onRequest: (socket: Socket) => void,
  isHeldLongEnough: (upstream: Socket) => Promise<unknown>,
): Promise<string> {
  let upstreamSocket: Socket | undefined;
  const calls = await serveCalls({
    secret: "sk-live-0123456789abcdef",
    onUpstreamConnection(socket) {
      upstreamSocket = socket;
      socket.once("data", () => onRequest(socket));
    },
    serve(request, response, route) {
      const renewing = new RenewingHandler({
        mayRepeat: () => true,
        renew: async () => {
          if (upstreamSocket !== undefined) await isHeldLongEnough(upstreamSocket);
          return false;
        },
        resend: () => undefined,
        currentGate: route.currentGate,
      });
      const exchange = new UpstreamExchange({
        ...{ request, response, requestId: "r", tokenDigest: "d", basePath: "" },
        route: { ...route, currentGate: renewing.currentGate },
        now: () => performance.now(),
        countBytes: () => undefined,
        onPartialMatch: () => undefined,
        onEnd: () => undefined,
      });
      renewing.serve(exchange);
      route.dispatcher.dispatch({ method: "GET", path: "/", headers: [] }, renewing);
    },
  });
  stops.push(() => calls.close());
  return receive(calls.port);
}

const aMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
/** Until the connection is closed on both sides, and the vault has seen it. */
const closed = async (socket: Socket): Promise<void> => {
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  await aMoment();
};

describe("a 401 that ended well while it was held is shown as it came, whatever its connection did afterwards:", () => {
  const long = "a".repeat(100_000);
  test.each<[string, string, string, (socket: Socket) => Promise<void>]>([
    ["ended by its connection", "\r\nhello", "hello", closed],
    ["closing, with a length", "Connection: close\r\nContent-Length: 5\r\n\r\nhello", "hello", closed],
    [
      "closing, in chunks",
      "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "hello",
      closed,
    ],
    ["closing, without a body", "Connection: close\r\nContent-Length: 0\r\n\r\n", "", closed],
    ["longer than is held, ended by its connection", `\r\n${long}`, long, aMoment],
  ])("%s", async (_how, rest, body, until) => {
    const answer = await callWithoutRenewal((socket) => socket.end(HEAD + rest), until);
    expect(answer).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
    // In chunks where the vault cannot know the length.
    expect(answer.replaceAll(/\r\n[0-9a-f]+\r\n/g, "")).toContain(body);
    expect(answer).not.toContain("X-Vault-Error");
  });

  test("kept alive, and then reset", async () => {
    const answer = await callWithoutRenewal(
      (socket) => socket.write(`${HEAD}Content-Length: 5\r\n\r\nhello`),
      async (socket) => {
        await aMoment();
        socket.resetAndDestroy();
        await aMoment();
      },
    );
    expect(answer).toMatch(/^HTTP\/1\.1 401 .*hello$/s);
  });
});

describe("a 401 that broke off while it was held is 502:", () => {
  test.each<[string, string, (socket: Socket) => unknown]>([
    ["shorter than its length", "Content-Length: 100\r\n\r\nhello", (socket) => socket.end()],
    ["without its last chunk", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", (socket) => socket.end()],
    ["its connection reset", "\r\nhello", (socket) => socket.resetAndDestroy()],
  ])("%s", async (_how, rest, end) => {
    const answer = await callWithoutRenewal(
      (socket) => socket.write(HEAD + rest),
      async (socket) => {
        await aMoment();
        end(socket);
        await closed(socket);
      },
    );
    expect(answer).toMatch(/^HTTP\/1\.1 502 .*\r\nX-Vault-Error: upstream_failed\r\n/s);
  });
});

test("a 401 that is still coming when there is no other credential goes on", async () => {
  const answer = await callWithoutRenewal((socket) => {
    socket.write(`${HEAD}Content-Length: 10\r\n\r\nhello`);
    setTimeout(() => socket.write("world"), 100);
  }, aMoment);
  expect(answer).toMatch(/^HTTP\/1\.1 401 .*helloworld$/s);
});

describe("a held 401", () => {
  /** A 401 that is held until `decide` is called, and what becomes of its gate. */
  function hold(options: Partial<RenewalOptions> = {}) {
    const calls: string[] = [];
    const gate: ReadGate = {
      isHttp10: false,
      failure: null,
      close: () => void calls.push("close"),
      open: () => void calls.push("open"),
      answerEnded: () => void calls.push("answerEnded"),
    };
    let decide: (isRenewed: boolean) => void = () => undefined;
    const renewing = new RenewingHandler({
      mayRepeat: () => true,
      renew: () => new Promise((resolve) => (decide = resolve)),
      resend: () => undefined,
      currentGate: () => gate,
      ...options,
    });
    const seen: string[] = [];
    const exchange: RenewableExchange = {
      isOver: false,
      onRequestStart: () => undefined,
      onResponseStart(_controller, status) {
        seen.push(String(status));
        renewing.currentGate()?.close();
      },
      onResponseData: (_controller, chunk) => void seen.push(chunk.toString()),
      onResponseEnd: () => void seen.push("end"),
      onResponseError: () => void seen.push("error"),
    };
    renewing.serve(exchange);
    const rawHeaders = [Buffer.from("Set-Cookie"), Buffer.from("a=b")];
    const controller = { rawHeaders, abort: () => undefined } as unknown as Dispatcher.DispatchController;
    renewing.onResponseStart(controller, 401, {});
    return {
      renewing,
      controller,
      rawHeaders,
      calls,
      seen,
      decide: (isRenewed: boolean) => decide(isRenewed),
    };
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  test("may set cookies, which are taken when it comes", () => {
    const taken: unknown[] = [];
    const { rawHeaders } = hold({ takeCookies: (headers) => void taken.push(headers) });
    expect(taken).toEqual([rawHeaders]);
  });

  test("makes its connection wait where there is more than is kept, until its end", () => {
    const { renewing, controller, calls } = hold();
    renewing.onResponseData(controller, Buffer.alloc(64 * 1024));
    expect(calls).toEqual([]);
    renewing.onResponseData(controller, Buffer.alloc(1));
    expect(calls).toEqual(["close"]);
    renewing.onResponseEnd(controller, {});
    expect(calls).toEqual(["close", "answerEnded", "open"]);
  });

  test("that has ended leaves its connection alone, which may be at another answer", async () => {
    const { renewing, controller, calls, seen, decide } = hold();
    renewing.onResponseData(controller, Buffer.from("x"));
    renewing.onResponseEnd(controller, {});
    calls.length = 0;
    decide(false);
    await turn();
    expect(seen).toEqual(["401", "x", "end"]);
    expect(calls).toEqual([]);
  });

  test("that goes on makes its connection wait for the caller", async () => {
    const { calls, decide } = hold();
    decide(false);
    await turn();
    expect(calls).toEqual(["open", "close"]);
  });
});
