import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { LoopbackSession } from "../testing/loopback-session.js";
import { serializeCommand } from "./command.js";
import { REDIS_LIMITS } from "./limits.js";
import { LOGIN, openRedisSession } from "./testing/redis-session.js";
import {
  connectRawClient,
  startScriptedRedis,
  type RawClient,
  type ScriptedRedis,
} from "./testing/scripted-redis.js";

const PASSWORD = LOGIN.password.reveal();
const RIGHT = serializeCommand("AUTH", LOGIN.username, PASSWORD).toString();
const WRONG = serializeCommand("AUTH", LOGIN.username, "wrong").toString();
const NO_AUTH = "-NOAUTH Authentication required.\r\n";

let server: ScriptedRedis;
let session: LoopbackSession;
let client: RawClient;

beforeAll(async () => {
  // Answers AUTH, and each further packet with PONG.
  server = await startScriptedRedis((heard) => (heard.endsWith("stored\r\n") ? "+OK\r\n" : "+PONG\r\n"));
});
afterAll(() => server.close());
beforeEach(async () => {
  session = await openRedisSession({ redis_port: server.port, redis_password: "stored" }, { login: LOGIN });
  client = await connectRawClient(session.port);
});
afterEach(async () => {
  client.socket.destroy();
  await session.close();
});

describe("a session that requires a login", () => {
  test("answers anything else with NOAUTH, and asks the server for nothing", async () => {
    const before = server.connections();
    client.send(`PING\r\n\r\n*1\r\n$4\r\nINFO\r\nHELLO 3\r\n${WRONG}HELLO 3 AUTH vault wrong\r\nGET x\r\n`);
    const heard = await client.until(`${NO_AUTH.trimEnd()}\r\n`);
    const codes = (text: string): string[] => text.split("\r\n").map((line) => line.split(" ")[0] ?? "");
    await expect
      .poll(async () => codes(await client.until("\r\n")))
      .toEqual([...["-NOAUTH", "-NOAUTH", "-NOAUTH", "-WRONGPASS", "-WRONGPASS", "-NOAUTH"], ""]);
    expect(heard).not.toContain(PASSWORD);
    expect(server.connections()).toBe(before);
  });

  test.each([
    ["AUTH username password", RIGHT],
    ["AUTH password", serializeCommand("AUTH", PASSWORD).toString()],
    ["an inline AUTH", `auth vault "${PASSWORD}"\r\n`],
  ])("takes %s, and what came with it", async (_name, right) => {
    client.send(`${right}*1\r\n$4\r\nPING\r\n`);
    expect(await client.until("+PONG\r\n")).toBe("+OK\r\n+PONG\r\n");
    expect(server.heard()).not.toContain(PASSWORD);
  });

  test("takes a HELLO with the login, whose answer is the server's", async () => {
    client.send(serializeCommand("HELLO", "3", "AUTH", LOGIN.username, PASSWORD, "SETNAME", "x"));
    expect(await client.until("\r\n")).toBe("+PONG\r\n");
    expect(server.heard()).toContain(serializeCommand("HELLO", "3", "SETNAME", "x").toString());
    expect(server.heard()).not.toContain(PASSWORD);
  });

  test("takes the login after wrong ones, byte by byte", async () => {
    for (const byte of Buffer.from(`${WRONG}PING\r\n${RIGHT}`)) {
      client.send(Buffer.of(byte));
      if (byte === 0x0a) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(await client.until("+OK\r\n")).toMatch(/^-WRONGPASS [^\r]*\r\n-NOAUTH [^\r]*\r\n\+OK\r\n$/);
  });

  test("says of a later AUTH whether it is right, and stays logged in", async () => {
    client.send(RIGHT + WRONG + RIGHT);
    expect(await client.until("+OK\r\n")).toMatch(/^\+OK\r\n-WRONGPASS [^\r]*\r\n\+OK\r\n$/);
    client.send("PING\r\n");
    await client.until("+PONG\r\n");
  });

  test("lets a client go that says QUIT", async () => {
    const before = server.connections();
    client.send("QUIT\r\n");
    expect(await client.closed()).toBe("+OK\r\n");
    expect([session.failures, server.connections()]).toEqual([[], before]);
  });

  test("commandsBeforeLogin: ends a client that goes on guessing", async () => {
    client.send(WRONG.repeat(REDIS_LIMITS.commandsBeforeLogin - 1));
    await client.until("\r\n");
    client.send(WRONG + RIGHT);
    expect(await client.closed()).toMatch(/-ERR too many commands without the login of the session\r\n$/);
    expect(session.failures).toMatchObject([{ name: "ProtocolViolation", peer: "client" }]);
  });

  test.each([
    ["a broken command", "*1\r\n:1\r\n"],
    ["an argument longer than argumentBytes", `*2\r\n$4\r\nAUTH\r\n$${REDIS_LIMITS.argumentBytes + 1}\r\n`],
    ["more arguments than commandArguments", `*${REDIS_LIMITS.commandArguments + 1}\r\n`],
    ["a line longer than commandBytes", "a".repeat(REDIS_LIMITS.commandBytes + 1)],
    ["an HTTP request (cross-protocol scripting)", `POST / HTTP/1.1\r\n\r\n${RIGHT}`],
    ["a TLS handshake", "\x16\x03\x01"],
  ])("ends a client that sends %s", async (_name, bytes) => {
    const before = server.connections();
    client.send(Buffer.from(bytes, "latin1"));
    await client.closed();
    expect(session.failures).toMatchObject([{ name: "ProtocolViolation", peer: "client" }]);
    expect(server.connections()).toBe(before);
  });

  test("tells a client with the right login why the server is not there", async () => {
    const gone = await startScriptedRedis(() => undefined);
    await gone.close();
    const other = await openRedisSession(
      { redis_port: gone.port, redis_password: "stored" },
      { login: LOGIN },
    );
    const another = await connectRawClient(other.port);
    another.socket.end(RIGHT);
    expect(await another.closed()).toBe("-ERR the upstream refused the connection\r\n");
    await other.close();
  });
});
