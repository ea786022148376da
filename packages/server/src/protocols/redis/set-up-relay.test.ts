import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { LoopbackSession } from "../testing/loopback-session.js";
import { readCommand, serializeCommand } from "./command.js";
import { REDIS_LIMITS } from "./limits.js";
import { passSetUp } from "./set-up-relay.js";
import { openRedisSession } from "./testing/redis-session.js";
import {
  connectRawClient,
  startScriptedRedis,
  type RawClient,
  type ScriptedRedis,
} from "./testing/scripted-redis.js";

const LOGIN = serializeCommand("AUTH", "stored").toString();
const command = (...words: string[]): string => serializeCommand(...words).toString();
const AUTH = command("AUTH", "any", "secret");
const SETINFO = command("CLIENT", "SETINFO", "LIB-NAME", "x");
const PING = command("PING");

let server: ScriptedRedis;
let session: LoopbackSession;
let client: RawClient;
/** What the server says when it has heard more of a connection; it gets all that came after the log-in. */
let onHeard: (heard: string) => string | undefined;

/** What the server heard of the client, on the connection that was made last. */
const heardByServer = (): string => server.heard().slice(server.heard().lastIndexOf(LOGIN) + LOGIN.length);

async function pair(): Promise<[Socket, Socket]> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const far = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const [near] = await accepted;
  listener.close();
  return [far, near];
}

beforeAll(async () => {
  server = await startScriptedRedis((heard) =>
    heard === LOGIN ? "+OK\r\n" : onHeard(heard.slice(LOGIN.length)),
  );
  session = await openRedisSession({ redis_port: server.port, redis_password: "stored" });
});
afterAll(async () => {
  await session.close();
  await server.close();
});
beforeEach(async () => {
  onHeard = () => undefined;
  client = await connectRawClient(session.port);
});
afterEach(() => void client.socket.destroy());

describe("while a client sets its connection up", () => {
  test("its AUTH is answered here, and never goes on", async () => {
    client.send(AUTH + command("AUTH", "secret") + "auth 'secret'\r\n");
    expect(await client.until("+OK\r\n+OK\r\n+OK\r\n")).toBe("+OK\r\n+OK\r\n+OK\r\n");
    client.send(PING);
    await expect.poll(heardByServer).toBe(PING);
    client.send(AUTH);
    await expect.poll(heardByServer).toBe(PING + AUTH);
  });

  test("a batch in one packet loses nothing: AUTH, SELECT, GET and half of a SET", async () => {
    onHeard = (heard) => (heard.endsWith("half") ? "+OK\r\n$1\r\nv\r\n" : undefined);
    const behind = `${command("SELECT", "2")}${command("GET", "k")}*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9\r\nhalf`;
    client.send(AUTH + behind);
    expect(await client.until("v\r\n")).toBe("+OK\r\n+OK\r\n$1\r\nv\r\n");
    expect(heardByServer()).toBe(behind);
  });

  test("an answer from here does not overtake a reply that was asked for before, however that is split", async () => {
    client.send(SETINFO + command("COMMAND") + AUTH + command("SELECT", "1") + PING);
    await expect.poll(heardByServer).toBe(SETINFO + command("COMMAND"));
    const replies = "+OK\r\n*2\r\n*1\r\n$3\r\nget\r\n%1\r\n+a\r\n$-1\r\n";
    for (const byte of replies) {
      server.say(byte);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(await client.until("$-1\r\n+OK\r\n")).toBe(`${replies}+OK\r\n`);
    await expect.poll(heardByServer).toBe(SETINFO + command("COMMAND") + command("SELECT", "1") + PING);
  });

  test("what the server pushes is nobody's reply, and is not split by one", async () => {
    client.send(SETINFO + AUTH);
    await expect.poll(heardByServer).toBe(SETINFO);
    server.say(">2\r\n+message\r\n+one\r\n");
    await client.until("+one\r\n");
    server.say("+OK\r\n>2\r\n+message\r\n");
    await client.until("+message\r\n");
    server.say("+two\r\n");
    expect(await client.until("+two\r\n+OK\r\n")).toBe(
      ">2\r\n+message\r\n+one\r\n+OK\r\n>2\r\n+message\r\n+two\r\n+OK\r\n",
    );
  });

  test("a HELLO goes on without its credential, whatever came before it", async () => {
    client.send(AUTH + SETINFO + command("HELLO", "3", "AUTH", "any", "secret", "SETNAME", "x") + PING);
    await expect.poll(heardByServer).toBe(SETINFO + command("HELLO", "3", "SETNAME", "x") + PING);
  });

  test("empty lines and arrays are no commands", async () => {
    client.send(`\r\n*0\r\n${AUTH}\n${AUTH}`);
    expect(await client.until("+OK\r\n+OK\r\n")).toBe("+OK\r\n+OK\r\n");
  });

  test("a client that is silent for long is served when it speaks", async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    client.send(AUTH.slice(0, 7));
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.send(AUTH.slice(7));
    await client.until("+OK\r\n");
  });

  test("a client that only sends AUTH and closes its side gets its answer", async () => {
    client.socket.end(AUTH);
    expect(await client.closed()).toBe("+OK\r\n");
    expect(heardByServer()).toBe("");
  });

  test("a command that is cut off by the end goes nowhere", async () => {
    client.socket.end(SETINFO + AUTH.slice(0, -3));
    await client.closed();
    expect(heardByServer()).toBe(SETINFO);
  });

  test("a client that closes its side still gets what it asked for", async () => {
    onHeard = (heard) => (heard === SETINFO ? "+OK\r\n" : undefined);
    client.socket.end(SETINFO + AUTH);
    expect(await client.closed()).toBe("+OK\r\n+OK\r\n");
  });

  test("a server that goes away is noticed, though nobody speaks", async () => {
    const gone = await startScriptedRedis((heard, socket) => {
      setTimeout(() => void socket.destroy(), 20);
      return heard === LOGIN ? "+OK\r\n" : undefined;
    });
    const other = await openRedisSession({ redis_port: gone.port, redis_password: "stored" });
    const another = await connectRawClient(other.port);
    expect(await another.closed()).toBe("");
    another.socket.destroy();
    await other.close();
    await gone.close();
  });

  test("a server that has closed its side is still told what the client says", async () => {
    const half = await startScriptedRedis((heard, socket) => {
      if (heard === LOGIN) setTimeout(() => socket.end(), 20);
      return heard === LOGIN ? "+OK\r\n" : undefined;
    });
    const other = await openRedisSession({ redis_port: half.port, redis_password: "stored" });
    const another = await connectRawClient(other.port);
    expect(await another.closed()).toBe("");
    another.send(AUTH);
    await new Promise((resolve) => setTimeout(resolve, 30));
    another.send(SETINFO);
    await expect.poll(() => half.heard()).toBe(LOGIN + SETINFO);
    another.socket.destroy();
    await other.close();
    await half.close();
  });

  test("a server that closed its side before is noticed too", async () => {
    const [[farClient, nearClient], [farServer, nearServer]] = [await pair(), await pair()];
    farServer.end();
    nearServer.resume();
    await once(nearServer, "end");
    const none = Buffer.alloc(0);
    passSetUp(none, undefined)({ socket: nearClient, rest: none }, { socket: nearServer, rest: none });
    farClient.resume();
    await once(farClient, "end");
    for (const socket of [farClient, nearClient, farServer, nearServer]) socket.destroy();
  });

  test("a client that goes away is noticed by the server", async () => {
    let hasEnded = false;
    const other = await startScriptedRedis((heard, socket) => {
      socket.on("end", () => (hasEnded = true));
      return heard === LOGIN ? "+OK\r\n" : undefined;
    });
    const another = await openRedisSession({ redis_port: other.port, redis_password: "stored" });
    const visitor = await connectRawClient(another.port);
    await expect.poll(() => other.heard()).toBe(LOGIN);
    visitor.socket.resetAndDestroy();
    await expect.poll(() => hasEnded).toBe(true);
    await another.close();
    await other.close();
  });

  test("what is no reply ends the connection", async () => {
    onHeard = () => "HTTP/1.1 400 Bad Request\r\n";
    client.send(SETINFO);
    expect(await client.closed()).toBe("");
  });

  test.each(["POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01"])(
    "cross-protocol scripting: %j ends the connection, and what comes with it goes nowhere",
    async (bytes) => {
      client.send(Buffer.from(`${bytes}${command("FLUSHALL")}`, "latin1"));
      expect(await client.closed()).toBe("");
      expect(heardByServer()).toBe("");
    },
  );

  test("a client that does not read holds the server back", async () => {
    const MEGABYTE = "x".repeat(1024 * 1024);
    const COUNT = 32;
    const big = await startScriptedRedis((heard, socket) => {
      if (heard === LOGIN) return "+OK\r\n";
      socket.write(`$${MEGABYTE.length * COUNT}\r\n`);
      for (let count = 0; count < COUNT; count += 1) socket.write(MEGABYTE);
      waiting = () => socket.writableLength;
      return "\r\n";
    });
    let waiting = (): number => 0;
    const other = await openRedisSession({ redis_port: big.port, redis_password: "stored" });
    const slow = connect({ host: "127.0.0.1", port: other.port });
    slow.write(command("COMMAND", "DOCS") + AUTH);
    await expect.poll(() => waiting()).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // What the buffers of the system hold is gone; the rest waits where it came from.
    expect(waiting()).toBeGreaterThan((MEGABYTE.length * COUNT) / 4);
    let received = 0;
    let last = "";
    slow.on("data", (chunk: Buffer) => {
      received += chunk.length;
      last = (last + chunk.toString()).slice(-7);
    });
    const header = `$${MEGABYTE.length * COUNT}\r\n`;
    await expect
      .poll(() => received, { timeout: 10_000 })
      .toBe(header.length + MEGABYTE.length * COUNT + 2 + 5);
    expect(last).toBe("\r\n+OK\r\n");
    slow.destroy();
    await other.close();
    await big.close();
  });
});

describe("from the first other command on", () => {
  test.each([
    ["a command", PING],
    ["an inline command", "PING\r\n"],
    ["another CLIENT", command("CLIENT", "TRACKING", "ON")],
    ["CLIENT alone", command("CLIENT")],
    ["a command that is broken", "*1\r\n:1\r\n"],
    ["a command of many arguments", command("DEL", ...Array<string>(100).fill("key"))],
    ["RESET", command("RESET")],
  ])("%s: bytes pass untouched", async (_name, first) => {
    client.send(AUTH + first + AUTH);
    await client.until("+OK\r\n");
    await expect.poll(heardByServer).toBe(first + AUTH);
    server.say("anything at all!");
    expect(await client.until("!")).toBe("+OK\r\nanything at all!");
    client.send("more");
    await expect.poll(heardByServer).toBe(`${first}${AUTH}more`);
  });

  test("a large value need not be whole to pass", async () => {
    const begin = `*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${1024 * 1024 * 1024}\r\n${"x".repeat(100)}`;
    client.send(AUTH + begin);
    await expect.poll(heardByServer).toBe(begin);
  });

  test("setUpCommands: nobody is looked into for ever", async () => {
    const { setUpCommands } = REDIS_LIMITS;
    const before = `\r\n${SETINFO.repeat(setUpCommands - 2)}`;
    client.send(before);
    await expect.poll(heardByServer).toBe(before);
    server.say("+OK\r\n".repeat(setUpCommands - 2));
    await client.until("+OK\r\n");
    client.send(AUTH + AUTH);
    await expect.poll(heardByServer).toBe(before + AUTH);
  });

  test("a client that closes its side gets the rest", async () => {
    client.send(AUTH + PING);
    await expect.poll(heardByServer).toBe(PING);
    client.socket.end();
    await once(client.socket, "finish");
    server.say("+PONG\r\n");
    expect(await client.until("+PONG\r\n")).toBe("+OK\r\n+PONG\r\n");
  });
});

/** A command of a client, what the server gets of it, and who answers it. */
interface Step {
  readonly sent: string;
  readonly passed: string;
}

const step = fc.constantFrom<Step>(
  { sent: AUTH, passed: "" },
  { sent: "AUTH x\r\n", passed: "" },
  { sent: SETINFO, passed: SETINFO },
  { sent: command("SELECT", "1"), passed: command("SELECT", "1") },
  { sent: "COMMAND COUNT\r\n", passed: "COMMAND COUNT\r\n" },
  { sent: command("HELLO", "3", "AUTH", "a", "b"), passed: command("HELLO", "3") },
  { sent: "hello\r\n", passed: command("HELLO") },
  { sent: "\r\n", passed: "\r\n" },
);

test("whatever a client sends, in whatever pieces: the server gets it less the credentials, replies are in order", async () => {
  const reply = fc.constantFrom(
    "+s\r\n",
    "$3\r\nb\r\n\r\n",
    "*2\r\n:1\r\n*0\r\n",
    "%1\r\n+k\r\n_\r\n",
    "-ERR\r\n",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(step, reply), { minLength: 1, maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }),
      async (steps, sizes) => {
        const passed = steps.map(([{ passed }]) => passed).join("") + PING;
        const replies = steps.filter(([{ passed }]) => passed.trim() !== "").map(([, text]) => text);
        let offset = 0;
        let answered = 0;
        onHeard = (heard) => {
          let answer = "";
          for (;;) {
            const read = readCommand(Buffer.from(heard.slice(offset)));
            if (read === undefined || read.kind === "opaque") return answer;
            offset += read.length;
            if (read.kind === "command") answer += replies[answered++] ?? "+PONG\r\n";
          }
        };
        const asked = await connectRawClient(session.port);
        asked.socket.setNoDelay(true);
        let rest = steps.map(([{ sent }]) => sent).join("") + PING;
        for (let index = 0; rest !== ""; index += 1) {
          const size = sizes[index % sizes.length] ?? 1;
          asked.send(rest.slice(0, size));
          rest = rest.slice(size);
          await new Promise((resolve) => setImmediate(resolve));
        }
        const expected = steps
          .filter(([{ sent }]) => sent !== "\r\n")
          .map(([{ passed: own }, text]) => (own === "" ? "+OK\r\n" : text))
          .join("");
        expect(await asked.until("+PONG\r\n")).toBe(`${expected}+PONG\r\n`);
        expect(heardByServer()).toBe(passed);
        asked.socket.destroy();
      },
    ),
    { numRuns: 60 },
  );
});
