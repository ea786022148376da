import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { postgresType, type PostgresConfig } from "../../auth-strategies/session-types/postgres.js";
import { Secret } from "../../redaction/secret.js";
import { AUTHENTICATION_OK } from "./authentication-request.js";
import { postgresDriver } from "./driver.js";
import { int32, message } from "./message.js";
import { cancelRequest, SSL_REQUEST, type StartupPacket } from "./startup-packet.js";
import { fatalOf, startup, talk } from "./testing/raw-client.js";
import type { ScriptedConnection } from "./testing/scripted-server.js";
import { scriptedUpstreams } from "./testing/scripted-upstream.js";

const READY = message("Z", Buffer.from("I"));
const START = startup({ user: "x" });

const upstreams = scriptedUpstreams();
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await upstreams.closeAll();
});

/** A client that stays: resolves when it is in. */
async function client(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  socket.write(START);
  await once(socket, "data");
  return socket;
}

describe("bytes that are sent ahead of the log-in's end", () => {
  test("are lost in neither direction", async () => {
    const query = message("Q", Buffer.from("SELECT 1\0"));
    let heard: Buffer | undefined;
    const session = await upstreams.open(async (connection) => {
      await connection.startup();
      await connection.send(AUTHENTICATION_OK, READY, message("C", Buffer.from("ahead\0")));
      heard = (await connection.message()).bytes;
      await connection.end();
    });
    expect(await talk(session.port, SSL_REQUEST, START, query)).toEqual(
      Buffer.concat([Buffer.from("N"), AUTHENTICATION_OK, READY, message("C", Buffer.from("ahead\0"))]),
    );
    expect(heard).toEqual(query);
  });
});

describe("a CancelRequest", () => {
  const KEY = { processId: 4711, key: Buffer.alloc(32, 5) };
  const OTHER = { processId: 4711, key: Buffer.alloc(32, 6) };

  /** Gives its one client the key, and keeps what else comes until `release`. */
  async function openWithKey(): Promise<{
    readonly port: number;
    readonly requests: readonly StartupPacket[];
    readonly count: () => number;
    readonly release: () => void;
  }> {
    const requests: StartupPacket[] = [];
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const script = async (connection: ScriptedConnection): Promise<void> => {
      const packet = await connection.startup();
      if (packet.kind === "startup") {
        await connection.send(AUTHENTICATION_OK, message("K", int32(KEY.processId), KEY.key), READY);
        await connection.closed();
        await connection.end();
        return;
      }
      requests.push(packet);
      await released;
      await connection.end();
    };
    const session = await upstreams.open(script, { maxConnections: 1 });
    return { port: session.port, requests, count: session.server.count, release };
  }

  test("goes to the server, and the client is told of its end by the end of its connection", async () => {
    const { port, requests, release } = await openWithKey();
    await client(port);
    let isOver = false;
    const heard = talk(port, SSL_REQUEST, cancelRequest(KEY)).then((bytes) => {
      isOver = true;
      return bytes;
    });
    while (requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isOver).toBe(false);
    release();
    expect((await heard).toString()).toBe("N");
    expect(requests).toEqual([{ kind: "cancel", ...KEY }]);
  });

  test("with a key that is not of this session is not passed on", async () => {
    const { port, count } = await openWithKey();
    expect(await talk(port, cancelRequest(OTHER))).toEqual(Buffer.alloc(0));
    expect(count()).toBe(0);
  });

  test("with the key of a connection that is over is not passed on", async () => {
    const { port, count } = await openWithKey();
    const socket = await client(port);
    const closed = once(socket, "close");
    socket.end();
    await closed;
    // The server's side of it may take a moment longer.
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await talk(port, cancelRequest(KEY))).toEqual(Buffer.alloc(0));
    expect(count()).toBe(1);
  });
});

test("a client beyond the last place is told so, whatever it asks for first", async () => {
  const session = await upstreams.open(
    async (connection) => {
      await connection.startup();
      await connection.send(AUTHENTICATION_OK, READY);
      await connection.closed();
    },
    { maxConnections: 1 },
  );
  await client(session.port);
  for (const bytes of [START, Buffer.concat([SSL_REQUEST, START])]) {
    const heard = await talk(session.port, bytes);
    expect(fatalOf(heard.subarray(heard.indexOf("E")))).toEqual({
      S: "FATAL",
      V: "FATAL",
      C: "53300",
      M: "the session takes no more connections",
    });
  }
  expect(await talk(session.port, Buffer.from("GET / HTTP/1.1\r\n"))).toEqual(Buffer.alloc(0));
  expect(session.server.count()).toBe(1);
});

test("a client that is gone when its log-in is done leaves no connection to the server, and no key", async () => {
  let onClosed = (): void => undefined;
  const closed = new Promise<void>((resolve) => (onClosed = resolve));
  let logIn = (): void => undefined;
  const wanted = new Promise<void>((resolve) => (logIn = resolve));
  const session = await upstreams.open(async (connection) => {
    await connection.startup();
    await wanted;
    await connection.send(AUTHENTICATION_OK, message("K", int32(1), int32(2)), READY);
    await connection.closed();
    onClosed();
  });
  const socket = connect(session.port, "127.0.0.1");
  socket.write(START);
  while (session.server.count() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  socket.resetAndDestroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  logIn();
  await closed;
  expect(await talk(session.port, cancelRequest({ processId: 1, key: int32(2) }))).toEqual(Buffer.alloc(0));
  expect(session.server.count()).toBe(1);
});

test("a server that refuses the connection is told", async () => {
  const session = await upstreams.open(() => Promise.resolve());
  await session.server.stop();
  const heard = fatalOf(await talk(session.port, START));
  expect(heard).toMatchObject({ C: "08001", M: "the upstream refused the connection" });
});

describe("the URL", () => {
  const config = (extra: Readonly<Record<string, string>>): PostgresConfig =>
    postgresType.schema.parse({
      type: "postgres",
      postgres_host: "db.example",
      postgres_user: "us er/@:",
      postgres_password: "the service's",
      ...extra,
    }) as PostgresConfig;
  const place = { host: "127.0.0.1", port: 5555 };

  test("holds the service's user and database, and no password where none is asked for", () => {
    expect(postgresDriver.urlOf(place, config({}))).toBe(
      "postgresql://us%20er%2F%40%3A@127.0.0.1:5555/us%20er%2F%40%3A?sslmode=disable",
    );
    expect(postgresDriver.urlOf({ ...place, host: "::1" }, config({ postgres_db: "d?b" }))).toBe(
      "postgresql://us%20er%2F%40%3A@[::1]:5555/d%3Fb?sslmode=disable",
    );
  });

  test("holds the session's user and password where they are asked for", () => {
    const login = { username: "agent", password: new Secret("p@ss/w?rd") };
    expect(postgresDriver.urlOf(place, config({ postgres_db: "app" }), login)).toBe(
      "postgresql://agent:p%40ss%2Fw%3Frd@127.0.0.1:5555/app?sslmode=disable",
    );
  });
});
