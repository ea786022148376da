import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { startLiveVault, type LiveVault } from "./live-vault.js";
import { connectTo, eventually, exchange, startRawUpstream, wait, type RawUpstream } from "./raw-sockets.js";
import { call, makeToken } from "./vault-calls.js";

const SECRET = "ws-S3cret-0123456789abcdef";
const CHAT = "chat.v1";

let live: LiveVault;
let wss: WebSocketServer;
let chatUrl: string;
const handshakes: string[][] = [];

beforeAll(async () => {
  live = await startLiveVault();
  const { cert, key } = live.certificates;
  const https = createHttpsServer({ cert, key });
  wss = new WebSocketServer({
    server: https,
    handleProtocols: (offered) => (offered.has(CHAT) ? CHAT : false),
  });
  wss.on("connection", (socket, request) => {
    handshakes.push(request.rawHeaders);
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on("error", () => undefined);
    if (request.url === "/v1/echo-key") socket.send(`you are ${request.headers.authorization ?? "nobody"}`);
  });
  await new Promise<void>((resolve) => https.listen(0, "127.0.0.1", resolve));
  const { port } = https.address() as AddressInfo;
  await live.addService(
    "chat",
    { type: "bearer", token: SECRET },
    { base_url: `https://127.0.0.1:${port}/v1` },
  );
  chatUrl = `${live.server.address.replace("http", "ws")}/proxy/chat`;
});

afterAll(async () => {
  for (const client of wss.clients) client.terminate();
  wss.close();
  await live.close();
});

interface Opened {
  readonly socket: WebSocket;
  readonly messages: (string | Buffer)[];
  readonly closed: Promise<number>;
}

function open(path: string, token = live.token, headers: Record<string, string> = {}): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${chatUrl}${path}`, [CHAT], {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    const messages: (string | Buffer)[] = [];
    socket.on("message", (data: Buffer, isBinary) => messages.push(isBinary ? data : data.toString()));
    const closed = new Promise<number>((done) => socket.on("close", done));
    socket.on("open", () => resolve({ socket, messages, closed }));
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => reject(new Error(`${response.statusCode ?? 0} ${body}`)));
    });
    socket.on("error", reject);
  });
}

const handshakeWith = (service: string): string =>
  [
    `GET /proxy/${service}/x HTTP/1.1`,
    "Host: localhost",
    `Authorization: Bearer ${live.token}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "",
    "",
  ].join("\r\n");

describe("a WebSocket through the vault", () => {
  test("reaches the upstream with the injected credential, and none of the caller's", async () => {
    handshakes.length = 0;
    const { socket, messages, closed } = await open("/room");
    expect(socket.protocol).toBe(CHAT);
    const [raw = []] = handshakes;
    const text = raw.join("\n");
    expect(text).toContain(`Bearer ${SECRET}`);
    expect(text).not.toContain(live.token);
    expect(text.toLowerCase()).not.toContain("sec-websocket-extensions");
    socket.send("hello");
    socket.send(Buffer.from([0, 1, 2, 255]));
    await eventually(() => messages.length === 2);
    expect(messages).toEqual(["hello", Buffer.from([0, 1, 2, 255])]);
    socket.close(4001, "done");
    expect(await closed).toBe(4001);
  });

  test("carries large messages whole in both directions", async () => {
    const { socket, messages, closed } = await open("/room");
    const large = Buffer.alloc(8 * 1024 * 1024, "abcdefg");
    socket.send(large);
    await eventually(() => messages.length === 1);
    expect((messages[0] as Buffer).equals(large)).toBe(true);
    socket.close();
    await closed;
  });

  test("shows nothing of the credential that the upstream sends back", async () => {
    const { socket, messages, closed } = await open("/echo-key");
    await eventually(() => messages.length === 1);
    expect(messages[0]).toBe(`you are Bearer ${"*".repeat(SECRET.length)}`);
    socket.send(`plain ${SECRET} and ${Buffer.from(SECRET).toString("base64")}`);
    await eventually(() => messages.length === 2);
    expect(messages[1]).toMatch(/^plain \*+ and \S+$/);
    expect(messages[1]).not.toContain(Buffer.from(SECRET).toString("base64").slice(0, 12));
    socket.close();
    await closed;
  });

  test("is closed when its token is revoked, and when the vault is locked", async () => {
    const token = await makeToken(live.server, live.admin);
    const { closed } = await open("/room", token);
    await call(live.server.address, "DELETE", `/tokens/${token}`, { token: live.admin });
    expect(await closed).toBe(1006);
    await expect(open("/room", token)).rejects.toThrow(/^401 .*unauthorized/);
  });

  test("is closed at the upstream when the caller goes away", async () => {
    const { socket } = await open("/room");
    await eventually(() => wss.clients.size === 1);
    socket.terminate();
    await eventually(() => wss.clients.size === 0);
  });

  test.each([
    ["without a token", { authorization: "" }, /^401 /],
    ["from a foreign web page", { origin: "https://evil.example" }, /^403 /],
  ])("%s is refused", async (_, headers, expected) => {
    await expect(open("/room", live.token, headers)).rejects.toThrow(expected);
  });

  test("to a service that does not switch gets its answer", async () => {
    await live.addService("plain", { type: "bearer", token: SECRET });
    const answer = await exchange(live.server.address, handshakeWith("plain"));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer.toLowerCase()).toContain("connection: close");
  });

  test("to a service that switches with a head that cannot be read is 502", async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
          "Transfer-Encoding: gzip\r\n\r\n",
      ),
    );
    await live.addService("odd", { type: "bearer", token: SECRET }, { base_url: upstream.origin });
    expect(await exchange(live.server.address, handshakeWith("odd"))).toMatch(
      /^HTTP\/1\.1 502 .*\r\nX-Vault-Error: upstream_failed\r\n/s,
    );
    await eventually(() => upstream.ended() === 1);
    await upstream.close();
  });

  test("to a service that cannot be reached is 502", async () => {
    await live.addService("gone", { type: "bearer", token: SECRET }, { base_url: "http://127.0.0.1:1" });
    await expect(
      new Promise((_, reject) => {
        new WebSocket(`${chatUrl.replace("/chat", "/gone")}/x`, {
          headers: { authorization: `Bearer ${live.token}` },
        }).on("error", reject);
      }),
    ).rejects.toThrow(/502/);
  });

  test("that is not under /proxy, or not a GET, is refused", async () => {
    const upgrade = "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    expect(await exchange(live.server.address, `GET /health HTTP/1.1\r\n${upgrade}`)).toMatch(
      /^HTTP\/1\.1 501 /,
    );
    const post = `POST /proxy/chat/x HTTP/1.1\r\nAuthorization: Bearer ${live.token}\r\n${upgrade}`;
    expect(await exchange(live.server.address, post)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe("a handshake", () => {
  let raw: RawUpstream | undefined;

  afterEach(async () => {
    await raw?.close();
    raw = undefined;
  });

  async function serveRaw(
    onRequest: Parameters<typeof startRawUpstream>[0],
    settings: object = {},
  ): Promise<void> {
    raw = await startRawUpstream(onRequest);
    await live.addService(
      "raw",
      { type: "bearer", token: SECRET },
      { base_url: raw.origin, tls_ca: undefined, ...settings },
    );
  }

  const handshake = (...fields: string[]): string =>
    [
      "GET /proxy/raw/x HTTP/1.1",
      "Host: localhost",
      `Authorization: Bearer ${live.token}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      ...fields,
      "",
      "",
    ].join("\r\n");

  const switched = (...fields: string[]): string =>
    ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", ...fields, "", ""].join("\r\n");

  test.each([
    ["says that it has nothing more to say", (caller: Socket) => caller.end()],
    ["closes its connection", (caller: Socket) => caller.destroy()],
    ["resets its connection", (caller: Socket) => caller.resetAndDestroy()],
    [
      "closes its connection after bytes that nobody has read",
      (caller: Socket) => caller.write("x".repeat(300_000), () => caller.destroy()),
    ],
  ])("whose caller %s before it is answered ends at the upstream too", async (_how, leave) => {
    await serveRaw(() => undefined);
    const caller = connectTo(live.server.address);
    caller.write(handshake());
    await eventually(() => raw?.sockets.size === 1);
    await wait(50);
    expect(raw?.ended()).toBe(0);
    leave(caller);
    await eventually(() => raw?.ended() === 1);
    caller.destroy();
  });

  test("takes bytes that come too early along to the upstream", async () => {
    let received = "";
    await serveRaw((socket) => {
      socket.on("data", (chunk) => (received += chunk.toString("latin1")));
      setTimeout(() => socket.write(switched("Upgrade: WebSocket", "Content-Length: 7")), 100);
    });
    const caller = connectTo(live.server.address);
    let answer = "";
    caller.on("data", (chunk) => (answer += chunk.toString("latin1")));
    caller.write(`${handshake()}one `);
    setTimeout(() => caller.write("two "), 50);
    await eventually(() => answer.includes("\r\n\r\n"));
    caller.write("three");
    await eventually(() => received === "one two three");
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    expect(answer.toLowerCase()).not.toContain("content-length");
    caller.destroy();
    await eventually(() => raw?.ended() === 1);
  });

  test("whose caller sends much too early is refused", async () => {
    await serveRaw(() => undefined);
    const caller = connectTo(live.server.address);
    let answer = "";
    caller.on("data", (chunk) => (answer += chunk.toString("latin1")));
    caller.write(handshake());
    await eventually(() => raw?.sockets.size === 1);
    await wait(50);
    caller.write("x".repeat(300_000));
    await eventually(() => raw?.ended() === 1);
    await eventually(() => /^HTTP\/1\.1 400 .*"invalid_request"/s.test(answer));
  });

  test("that is answered with interim answers for ever has no more time than any other call", async () => {
    await serveRaw(
      (socket) => {
        const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\n\r\n"), 100);
        socket.on("close", () => clearInterval(timer));
      },
      { response_timeout: "500ms" },
    );
    expect(await exchange(live.server.address, handshake())).toMatch(/^HTTP\/1\.1 504 .*"upstream_timeout"/s);
    await eventually(() => raw?.ended() === 1);
  });

  test.each([
    ["h2c", switched("Upgrade: h2c")],
    ["h2c and websocket", switched("Upgrade: websocket", "Upgrade: h2c")],
    ["something that it does not name", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    [
      "websocket in HTTP/1.0 with chunks",
      switched("Upgrade: websocket", "Transfer-Encoding: chunked").replace("1.1", "1.0"),
    ],
  ])("after which the upstream switches to %s is 502", async (_what, answer) => {
    await serveRaw((socket) => socket.write(`${answer}PRI * HTTP/2.0\r\n\r\n`));
    expect(await exchange(live.server.address, handshake())).toMatch(/^HTTP\/1\.1 502 .*"upstream_failed"/s);
    await eventually(() => raw?.ended() === 1);
  });

  test("of HTTP/1.0 is refused", async () => {
    await serveRaw(() => undefined);
    const answer = await exchange(live.server.address, handshake().replace("HTTP/1.1", "HTTP/1.0"));
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*"invalid_request"/s);
    expect(raw?.sockets.size).toBe(0);
  });

  test("without a key, or for a version that there is not, is the upstream's to answer", async () => {
    const heads: string[] = [];
    await serveRaw((socket, head) => {
      heads.push(head);
      socket.end("HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n");
    });
    expect(await exchange(live.server.address, handshake("Sec-WebSocket-Version: 99"))).toMatch(
      /^HTTP\/1\.1 426 .*\r\nSec-WebSocket-Version: 13\r\n/s,
    );
    expect(heads[0]).toContain("Sec-WebSocket-Version: 99\r\n");
  });

  test("whose caller leaves while it is answered in full ends at the upstream too", async () => {
    await serveRaw((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"));
    const caller = connectTo(live.server.address);
    let answer = "";
    caller.on("data", (chunk) => (answer += chunk.toString("latin1")));
    caller.write(handshake());
    await eventually(() => answer.endsWith("only this"));
    caller.end();
    await eventually(() => raw?.ended() === 1);
  });
});

test("an upgrade to anything else is a request like any other", async () => {
  await live.addService("plain", { type: "bearer", token: SECRET });
  const socket = connectTo(live.server.address);
  let received = "";
  socket.on("data", (chunk) => (received += chunk.toString()));
  const common = `Host: localhost\r\nAuthorization: Bearer ${live.token}\r\n`;
  socket.write(
    `POST /proxy/plain/x HTTP/1.1\r\n${common}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n` +
      "HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 5\r\n\r\nhello",
  );
  await eventually(() => received.includes("HTTP/1.1 200 "));
  expect(received).not.toContain("101");
  socket.write(`GET /proxy/plain/y HTTP/1.1\r\n${common}\r\n`);
  await eventually(() => received.split("HTTP/1.1 200 ").length === 3);
  socket.destroy();
  expect(live.upstream.requests.at(-2)?.body.toString()).toBe("hello");
});
