import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { ServerChannel } from "ssh2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { relayShell } from "./shell-relay.js";
import type { RunLater } from "./shell-traffic.js";
import type { SshConnection } from "./ssh-connection.js";
import {
  connect,
  startScriptedServer,
  takesPassword,
  targetOf,
  type ScriptedServer,
} from "./testing/scripted-server.js";

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** A clock that a test moves on. */
function makeClock(): { readonly after: RunLater; advance(milliseconds: number): void } {
  let now = 0;
  const tasks = new Map<() => void, number>();
  return {
    after(milliseconds, task) {
      const own = (): void => task();
      tasks.set(own, now + milliseconds);
      return () => tasks.delete(own);
    },
    advance(milliseconds) {
      now += milliseconds;
      const due = [...tasks].filter(([, at]) => at <= now);
      for (const [task] of due) {
        if (tasks.delete(task)) task();
      }
    },
  };
}

let ssh: ScriptedServer;
let connection: SshConnection;
let remote: ServerChannel;
let listener: WebSocketServer;
let client: WebSocket;
let socket: WebSocket;
const sizes: string[] = [];

beforeEach(async () => {
  sizes.length = 0;
  ssh = await startScriptedServer(takesPassword, (peer) => {
    peer.on("session", (accept) => {
      const session = accept();
      session.on("pty", (agree) => agree());
      session.on("window-change", (_agree, _refuse, { cols, rows }) => sizes.push(`${cols}x${rows}`));
      session.on("shell", (begin) => (remote = begin()));
    });
  });
  connection = await connect(targetOf(ssh.port));
  listener = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(listener, "listening");
});

afterEach(async () => {
  client.terminate();
  await new Promise((resolve) => listener.close(resolve));
  await ssh.close();
});

async function start(
  options: { tokenMs?: number; idleMs?: number; client?: { autoPong: boolean }; signal?: AbortSignal } = {},
) {
  const accepted = once(listener, "connection");
  client = new WebSocket(`ws://127.0.0.1:${(listener.address() as AddressInfo).port}`, options.client);
  client.on("error", () => undefined);
  await once(client, "open");
  [socket] = (await accepted) as [WebSocket];
  const clock = makeClock();
  const closed = once(client, "close").then(([code, reason]) => `${String(code)} ${String(reason)}`);
  const over = relayShell({
    channel: await connection.shell({}),
    socket,
    signals: options.signal === undefined ? [] : [options.signal],
    countBytes: () => undefined,
    isConnected: () => connection.isOpen,
    tokenMs: options.tokenMs ?? 24 * HOUR,
    idleMs: options.idleMs,
    after: clock.after,
  });
  return { clock, closed, over };
}

describe("a shell's time", () => {
  test("is four hours, of a client that answers every ping", async () => {
    const { clock, closed } = await start();
    for (let elapsed = 30 * SECOND; elapsed < 4 * HOUR; elapsed += 30 * SECOND) {
      const answered = once(socket, "pong");
      clock.advance(30 * SECOND);
      await answered;
    }
    clock.advance(30 * SECOND - 1);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    clock.advance(1);
    expect(await closed).toBe("1008 a shell stays open for 4 hours at most");
  });

  test("ends with its token", async () => {
    const { clock, closed } = await start({ tokenMs: 20 * SECOND });
    clock.advance(20 * SECOND - 1);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    clock.advance(1);
    expect(await closed).toBe("1008 this token has expired");
  });

  test("ends when nothing passes for too long, either way", async () => {
    const { clock, closed } = await start({ idleMs: 10 * SECOND });
    clock.advance(9 * SECOND);
    client.send("x");
    await once(socket, "message");
    clock.advance(9 * SECOND);
    remote.write("y");
    await once(client, "message");
    clock.advance(9 * SECOND);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    clock.advance(1 * SECOND);
    expect(await closed).toBe("1008 nothing happened in the shell for 10 s");
  });
});

describe("a shell's client", () => {
  test("that answers no ping until the next one is gone", async () => {
    const { clock, closed } = await start({ client: { autoPong: false } });
    clock.advance(30 * SECOND);
    await once(client, "ping");
    client.send("something else is a sign of life too");
    await once(socket, "message");
    clock.advance(30 * SECOND);
    await once(client, "ping");
    expect(socket.readyState).toBe(WebSocket.OPEN);
    clock.advance(30 * SECOND);
    expect(await closed).toBe("1008 the client does not answer any more");
  });

  test("that does not answer the end is cut off", async () => {
    const ends = new AbortController();
    const { clock, over } = await start({ tokenMs: SECOND, signal: ends.signal });
    client.pause();
    let isGone = false;
    socket.on("close", () => (isGone = true));
    clock.advance(SECOND);
    await over;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isGone).toBe(false);
    clock.advance(10 * SECOND);
    await expect.poll(() => isGone).toBe(true);
  });

  test("that changes its size often tells the server the last one of each while", async () => {
    const { clock } = await start();
    for (let cols = 101; cols <= 150; cols += 1) client.send(Buffer.from([1, 0, cols, 0, 24]));
    client.send("x");
    await once(remote, "data");
    clock.advance(50);
    await expect.poll(() => sizes).toEqual(["101x24", "150x24"]);
    clock.advance(50);
    client.send(Buffer.from([1, 0, 99, 0, 24]));
    await expect.poll(() => sizes).toEqual(["101x24", "150x24", "99x24"]);
  });
});

describe("a server", () => {
  test("that does not tell how the shell has ended leaves the code out", async () => {
    const { closed } = await start();
    remote.end("bye");
    remote.close();
    expect(await closed).toBe('1000 {"exit_code":null}');
  });

  test("that is lost is no end of the shell", async () => {
    const { closed, over } = await start();
    for (const each of ssh.sockets) each.destroy();
    expect(await closed).toBe("1011 the connection to the server was lost");
    expect(await over).toEqual({ code: 1011, reason: "the connection to the server was lost" });
  });
});
