import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createBrowserGuard } from "../network/browser-guard.js";
import { createHttpListener, type HttpListenerParts } from "./http-listener.js";

const closes: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closes.splice(0)) await close();
});

const quiet = (): void => undefined;

async function startListener(parts: Partial<HttpListenerParts>) {
  const listener = createHttpListener({
    tls: undefined,
    guard: createBrowserGuard({ tlsNames: [], allowedHosts: [], unixSocket: false }),
    proxy: { call: quiet, upgrade: quiet },
    shells: { upgrade: quiet },
    controlPlane: quiet,
    maxConnections: 100,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    now: () => performance.now(),
    ...parts,
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  closes.push(() => {
    const closed = new Promise((resolve) => listener.close(resolve));
    listener.closeAllConnections();
    return closed;
  });
  const { port } = listener.address() as AddressInfo;
  return { listener, open: (): Socket => connect(port, "127.0.0.1").on("error", quiet) };
}

/** All that comes on a connection until it ends. */
function received(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString()));
    socket.on("close", () => resolve(text));
  });
}

/** All that comes back for `text`. */
async function exchange(
  parts: Partial<HttpListenerParts>,
  text: string,
  onOpen?: (socket: Socket) => void,
): Promise<string> {
  const { open } = await startListener(parts);
  const socket = open();
  socket.write(text);
  onOpen?.(socket);
  return received(socket);
}

const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5\r\n\r\n${body}`;

describe("the body of a control-plane request", () => {
  const controlBodyTimes = { bodyMs: 100, uploadMs: 700, uploadIdleMs: 400 };

  test("that does not end is cut off in time, a finished one is not, however late its answer", async () => {
    const parts: Partial<HttpListenerParts> = {
      controlBodyTimes,
      controlPlane: (request, response) => {
        request.resume().on("end", () => setTimeout(() => response.end("late but whole"), 300));
      },
    };
    expect(await exchange(parts, post("/tokens", "1234"))).toBe("");
    expect(await exchange(parts, post("/tokens", "12345"))).toContain("late but whole");
  });

  test("that is whole is not cut off because nobody has read it", async () => {
    const parts: Partial<HttpListenerParts> = {
      controlBodyTimes,
      controlPlane: (_request, response) => setTimeout(() => response.end("late but whole"), 300),
    };
    expect(await exchange(parts, post("/tokens", "12345"))).toContain("late but whole");
  });

  const uploading = (times = controlBodyTimes): Partial<HttpListenerParts> => ({
    controlBodyTimes: times,
    controlPlane(request, response, { allowUpload }) {
      allowUpload();
      request.resume().on("end", () => response.end("whole"));
    },
  });

  test("has the time of an upload from when it is allowed, and no more", async () => {
    const late = (socket: Socket): void => void setTimeout(() => socket.write("5"), 300);
    expect(await exchange(uploading(), post("/files", "1234"), late)).toContain("whole");
    const started = performance.now();
    const patient = { ...controlBodyTimes, uploadIdleMs: 10_000 };
    expect(await exchange(uploading(patient), post("/files", "1234"))).toBe("");
    expect(performance.now() - started).toBeGreaterThan(600);
  });

  test("of an upload lives as long as something comes, and not much longer", async () => {
    const times = { ...controlBodyTimes, uploadMs: 60_000 };
    const slowly = (socket: Socket): void => {
      for (const [index, byte] of ["3", "4", "5"].entries()) {
        setTimeout(() => socket.write(byte), 250 * (index + 1));
      }
    };
    expect(await exchange(uploading(times), post("/files", "12"), slowly)).toContain("whole");
    const started = performance.now();
    expect(await exchange(uploading(times), post("/files", "1234"))).toBe("");
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test("of an upload is not ended while it waits to be read", async () => {
    const parts: Partial<HttpListenerParts> = {
      controlBodyTimes: { ...controlBodyTimes, uploadMs: 60_000 },
      controlPlane(request, response, { allowUpload }) {
        allowUpload();
        setTimeout(() => request.resume().on("end", () => response.end("whole")), 900);
      },
    };
    const rest = (socket: Socket): void => void setTimeout(() => socket.write("5"), 1_000);
    expect(await exchange(parts, post("/files", "1234"), rest)).toContain("whole");
  });
});

test.each([
  ["100-continue", /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /],
  ["100-Continue\r\nExpect: 100-continue", /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /],
  ["100-continue, x", /^HTTP\/1\.1 417 /],
  ["x, 100-continue", /^HTTP\/1\.1 417 /],
  ["100-continue\r\nExpect: x", /^HTTP\/1\.1 417 /],
  ["100-continue;x=1", /^HTTP\/1\.1 417 /],
  ["x", /^HTTP\/1\.1 417 /],
])("Expect: %j is answered with %s", async (expectation, answer) => {
  const request = post("/tokens", "12345").replace("Host:", `Expect: ${expectation}\r\nHost:`);
  const controlPlane = (_request: IncomingMessage, response: ServerResponse): void => void response.end("ok");
  expect(await exchange({ controlPlane }, request)).toMatch(answer);
});

test("a caller that resets its connection while its WebSocket handshake waits hurts nobody", async () => {
  let onReset: (() => void) | undefined;
  const reset = new Promise<void>((resolve) => (onReset = resolve));
  // As while a credential is fetched: nobody listens to the connection.
  const upgrade: HttpListenerParts["proxy"]["upgrade"] = ({ socket }) =>
    socket.once("close", () => onReset?.());
  const { open } = await startListener({ proxy: { call: quiet, upgrade } });
  const socket = open();
  socket.write(
    "GET /proxy/a/x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  setTimeout(() => socket.resetAndDestroy(), 50);
  await reset;
});

describe("requests that are pipelined on one connection", () => {
  const request = (path: string, ...fields: string[]): string =>
    [`GET ${path} HTTP/1.1`, "Host: localhost", ...fields, "", ""].join("\r\n");
  const PATH = "/proxy/api/x";

  /** Calls wait until they are answered by hand. */
  async function startWaiting() {
    const waiting: ServerResponse[] = [];
    const wait = (_request: IncomingMessage, response: ServerResponse): void => void waiting.push(response);
    const started = await startListener({
      proxy: { call: (call) => wait(call.request, call.response), upgrade: quiet },
      controlPlane: wait,
    });
    return { ...started, waiting };
  }

  test.each(["/proxy/api/x", "/services"])(
    "are served up to 64 that wait for an answer, the next are refused (%s)",
    async (path) => {
      const { open, waiting } = await startWaiting();
      const socket = open();
      const all = received(socket);
      socket.write(request(path).repeat(127) + request(path, "Connection: close"));
      while (waiting.length < 64) await new Promise((resolve) => setTimeout(resolve, 5));
      for (const response of waiting) response.end("fine");
      const statuses = (await all).match(/(?<=HTTP\/1\.1 )\d+/g);
      expect(statuses).toEqual([...Array<string>(64).fill("200"), ...Array<string>(64).fill("429")]);
      expect(waiting).toHaveLength(64);
    },
  );

  test("are served on and on while their answers are sent", async () => {
    let calls = 0;
    const { open } = await startListener({
      proxy: {
        call({ response }) {
          calls += 1;
          response.end("fine");
        },
        upgrade: quiet,
      },
    });
    const socket = open();
    const all = received(socket);
    for (let batch = 0; batch < 20; batch += 1) {
      socket.write(request(PATH).repeat(50));
      while (calls < (batch + 1) * 50) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    socket.write(request(PATH, "Connection: close"));
    expect((await all).match(/HTTP\/1\.1 200 /g)).toHaveLength(1001);
  });

  test.each([
    ["calls", request(PATH)],
    ["control-plane requests", request("/services")],
    ["requests that are refused", request(PATH, "Origin: https://evil.example")],
    ["requests that wait to send on", request(PATH, "Expect: 100-continue")],
    ["requests that expect what is not known", request(PATH, "Expect: more")],
  ])("end it when they are by far too many: %s", async (_what, flood) => {
    const { listener, open, waiting } = await startWaiting();
    let parsed = 0;
    for (const event of ["request", "checkContinue", "checkExpectation"] as const) {
      listener.on(event, () => (parsed += 1));
    }
    const socket = open();
    const all = received(socket);
    socket.write(request(PATH));
    while (waiting.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    socket.write(flood.repeat(10_000));
    expect(await all).toBe("");
    expect(waiting.length).toBeLessThanOrEqual(64);
    // What was read in one piece is parsed whole.
    expect(parsed).toBeLessThan(65_536 / flood.length + 130);
  });
});

test.each([
  [
    "a foreign page",
    "forbidden",
    "GET /services HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example",
  ],
  ["a strange expectation", "expectation_failed", "GET /health HTTP/1.1\r\nHost: localhost\r\nExpect: more"],
  ["TRACE", "method_not_allowed", "TRACE /tokens HTTP/1.1\r\nHost: localhost"],
  ["CONNECT", "method_not_allowed", "CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443"],
  [
    "another WebSocket",
    "not_implemented",
    "GET /x HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade",
  ],
  ["what is no HTTP", "invalid_request", "GET\u0000 / HTTP/1.1"],
  ["a header that is too large", "headers_too_large", `GET / HTTP/1.1\r\nX: ${"x".repeat(100_000)}`],
])("%s is refused with the mark of the vault's own answers, on any path", async (_what, code, head) => {
  const answer = await exchange(
    {},
    head + (head.includes("Upgrade") ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n"),
  );
  expect(answer).toContain(`\r\nX-Vault-Error: ${code}\r\n`);
  expect(answer).toContain(`"code":"${code}"`);
});

test("a connection above the cap is closed, and the log says so", async () => {
  const warnings: string[] = [];
  const log = {
    debug: quiet,
    info: quiet,
    error: quiet,
    warn: (_: object, line: string) => warnings.push(line),
  };
  const { open } = await startListener({ maxConnections: 1, log });
  const first = open();
  await new Promise((resolve) => first.once("connect", resolve));
  expect(await received(open())).toBe("");
  expect(warnings).toEqual(["too many connections: further ones are closed at once"]);
  expect(first.destroyed).toBe(false);
});
