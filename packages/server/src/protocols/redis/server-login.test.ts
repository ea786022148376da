import { Duplex } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { redisType, type RedisConfig } from "../../auth-strategies/session-types/redis.js";
import { WireSocket } from "../../wire/wire-socket.js";
import type { LoopbackSession } from "../testing/loopback-session.js";
import { serializeCommand } from "./command.js";
import { REDIS_LIMITS } from "./limits.js";
import { logInToServer } from "./server-login.js";
import { openRedisSession } from "./testing/redis-session.js";
import { connectRawClient, startScriptedRedis, type ScriptedRedis } from "./testing/scripted-redis.js";

const PASSWORD = 's3cr\u00e9t "with" \r\n spaces';
const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

interface Attempt {
  readonly server: ScriptedRedis;
  readonly session: LoopbackSession;
  /** What the client got for its PING. */
  readonly heard: string;
}

/** A server that answers its first bytes with `answer`, and a client that sends PING. */
async function attempt(
  answer: string | undefined,
  fields: Readonly<Record<string, unknown>> = {},
  greeting?: string,
): Promise<Attempt> {
  let hasAnswered = false;
  const server = await startScriptedRedis((_heard, socket) => {
    if (hasAnswered) return "+PONG\r\n";
    hasAnswered = true;
    if (answer === undefined) socket.end();
    return answer;
  }, greeting);
  stops.push(() => server.close());
  const session = await openRedisSession({ redis_port: server.port, redis_password: PASSWORD, ...fields });
  stops.push(() => session.close());
  const client = await connectRawClient(session.port);
  stops.push(() => void client.socket.destroy());
  client.send("PING\r\n");
  const heard = await client.until("\r\n");
  if (heard.startsWith("-")) {
    client.socket.end();
    await client.closed();
  }
  return { server, session, heard };
}

describe("the log-in to the server", () => {
  test("is AUTH with the password alone, without a user and a database", async () => {
    const { server, heard } = await attempt("+OK\r\n");
    expect(heard).toBe("+PONG\r\n");
    const utf8 = (bytes: Buffer): string => bytes.toString("latin1");
    expect(server.heard()).toBe(`${utf8(serializeCommand("AUTH", PASSWORD))}PING\r\n`);
  });

  test("is AUTH with the user, and SELECT of the database", async () => {
    const { server, heard } = await attempt("+OK\r\n+OK\r\n", { redis_username: "\u00fcser", redis_db: 12 });
    expect(heard).toBe("+PONG\r\n");
    const login = [serializeCommand("AUTH", "\u00fcser", PASSWORD), serializeCommand("SELECT", "12")];
    expect(server.heard()).toBe(`${Buffer.concat(login).toString("latin1")}PING\r\n`);
  });

  test.each([
    "-ERR AUTH <password> called without any password configured for the default user. Are you sure?\r\n",
    "-ERR Client sent AUTH, but no password is set\r\n",
  ])("goes on when the server needs no password: %j", async (answer) => {
    expect((await attempt(answer)).heard).toBe("+PONG\r\n");
  });

  test.each([
    "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
    "-ERR invalid password\r\n",
    "-NOAUTH Authentication required.\r\n",
    "-NOPERM this user has no permissions\r\n",
  ])("says that the credential is refused: %j", async (answer) => {
    const { heard, session } = await attempt(answer);
    expect(heard).toBe("-ERR the server refused the stored credential\r\n");
    expect(session.failures).toMatchObject([{ code: "upstream_login_failed" }]);
  });

  test.each([
    ["-ERR max number of clients reached\r\n", "the server takes no more clients"],
    ["-LOADING Redis is loading the dataset in memory\r\n", "the server is still loading its data"],
    ["-MASTERDOWN Link with MASTER is down\r\n", "the server's replication or cluster is down"],
    ["-CLUSTERDOWN Hash slot not served\r\n", "the server's replication or cluster is down"],
    ["-BUSY Redis is busy running a script.\r\n", "the server is busy with a script"],
    [
      "-DENIED Redis is running in protected mode\r\n",
      "the server is in protected mode, and takes no clients of other machines",
    ],
    ["-ERR something new\r\n", "the server refused AUTH"],
  ])("says why not: %j", async (answer, sentence) => {
    expect((await attempt(answer)).heard).toBe(`-ERR ${sentence}\r\n`);
  });

  test.each([
    ["-ERR DB index is out of range\r\n", "the server has no database 5, or none to select"],
    ["-NOPERM no permissions to run 'select'\r\n", "the service's user may not select a database"],
    ["-LOADING wait\r\n", "the server is still loading its data"],
  ])("says why there is no database: %j", async (answer, sentence) => {
    const { heard } = await attempt(`+OK\r\n${answer}`, { redis_db: 5 });
    expect(heard).toBe(`-ERR ${sentence}\r\n`);
  });

  test("says that an old server knows no users", async () => {
    const answer = "-ERR wrong number of arguments for 'auth' command\r\n";
    const { heard } = await attempt(answer, { redis_username: "app" });
    expect(heard).toBe("-ERR the server knows no users: it is older than Redis 6\r\n");
  });

  test("hears a server that says why and closes, before it was asked anything", async () => {
    const { heard } = await attempt(undefined, {}, "-ERR max number of clients reached\r\n");
    expect(heard).toBe("-ERR the server takes no more clients\r\n");
  });

  test("hears it even when nothing can be written to the server any more", async () => {
    const gone = new Duplex({
      read: () => undefined,
      write: (_chunk, _encoding, callback) => callback(new Error("EPIPE")),
    });
    gone.push("-ERR max number of clients reached\r\n");
    const config = redisType.schema.parse({
      ...{ type: "redis", redis_host: "r", redis_password: PASSWORD },
    }) as RedisConfig;
    const secure = (): Promise<never> => Promise.reject(new Error("no TLS is asked for"));
    await expect(logInToServer(new WireSocket(gone, "server"), config, { secure })).rejects.toThrow(
      "the server takes no more clients",
    );
  });

  test("tells nothing that the server says, which could be the credential", async () => {
    for (const answer of [
      `-ERR unknown command 'AUTH', with args beginning with: '${PASSWORD.slice(0, 8)}'\r\n`,
      `-WRONGPASS ${PASSWORD.slice(0, 8)}\r\n`,
      `${PASSWORD.slice(0, 8)}\r\n`,
    ]) {
      const { heard, session } = await attempt(answer);
      expect(heard).toMatch(/^-ERR /);
      expect(heard + String(session.failures[0])).not.toContain("s3cr");
    }
  });

  test.each([
    "HTTP/1.1 400 Bad Request\r\n",
    "\x15\x03\x01\x00\x02\n",
    "$2\r\nOK\r\n",
    "+OK\n",
    "+O\rK\r\n",
    "\r\n",
  ])("a server that is none is refused: %j", async (answer) => {
    const { heard } = await attempt(answer);
    expect(heard).toBe("-ERR the server's part went wrong: it does not answer as Redis does\r\n");
  });

  test("a server that closes is told of", async () => {
    expect((await attempt(undefined)).heard).toMatch(
      /^-ERR the server's part went wrong: the connection ended/,
    );
  });

  test("loginReplyBytes: an endless answer is cut off", async () => {
    const { heard } = await attempt(`+${"x".repeat(REDIS_LIMITS.loginReplyBytes)}`);
    expect(heard).toBe("-ERR the server's part went wrong: a message is too long\r\n");
  });

  test("what the server sends behind its answers reaches the client", async () => {
    const { heard } = await attempt("+OK\r\n>1\r\n:1\r\n");
    expect(heard).toMatch(/^>1\r\n:1\r\n/);
  });
});
