import type { ServerChannel } from "ssh2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SshConnectionPool } from "./ssh-connection-pool.js";
import type { SshChannel, SshConnection } from "./ssh-connection.js";
import {
  connect,
  startScriptedServer,
  takesPassword,
  targetOf,
  type ScriptedServer,
} from "./testing/scripted-server.js";

const IDLE_MS = 200;
const never = new AbortController().signal;

let server: ScriptedServer;
let pool: SshConnectionPool;
let connections: SshConnection[];
let channels: ServerChannel[];
/** Lets the server's next channel be opened. */
let allow: (() => void) | undefined;
let isHeld: boolean;
/** Channels that the server opens on one connection. */
let openAtOnce: number;
let refusals: number;
let emptied: { times: number };

beforeEach(async () => {
  connections = [];
  channels = [];
  const ofThisTest = { times: 0 };
  emptied = ofThisTest;
  allow = undefined;
  isHeld = false;
  openAtOnce = Infinity;
  refusals = 0;
  server = await startScriptedServer(takesPassword, (client) => {
    let open = 0;
    client.on("session", (accept, reject) => {
      if (open === openAtOnce) {
        refusals += 1;
        reject();
        return;
      }
      open += 1;
      const session = accept();
      session.on("close", () => (open -= 1));
      session.on("exec", (begin) => {
        allow = (): void => void channels.push(begin());
        if (!isHeld) allow();
      });
    });
  });
  pool = new SshConnectionPool(
    async (signal, onHostKey) => {
      const connection = await connect(targetOf(server.port), { signal, onHostKey });
      connections.push(connection);
      return connection;
    },
    () => (ofThisTest.times += 1),
    { idleMs: IDLE_MS, waitMs: 5000 },
  );
});

afterEach(async () => {
  pool.destroy(new Error("the test is over"));
  await server.close();
});

const open = (connection: SshConnection): Promise<SshChannel> => connection.exec("x");
const runFor = (until: Promise<unknown>): Promise<string> =>
  pool.withChannel(never, {
    open,
    use: (channel) =>
      until.then(async () => {
        channel.stderr.resume();
        channel.resume().close();
        await channel.ended;
        return "done";
      }),
  });

describe("a pool", () => {
  test("gives the host key of its server as soon as that is known", async () => {
    expect(pool.hostKey).toBeUndefined();
    await runFor(Promise.resolve());
    expect(pool.hostKey).toBe(server.hostKey);
  });

  test("closes the channel of a call that ended while it was opened, when it comes", async () => {
    isHeld = true;
    const ends = new AbortController();
    let late: SshChannel | undefined;
    const running = pool.withChannel(ends.signal, {
      open,
      use(channel) {
        late = channel;
        channel.stderr.resume();
        channel.resume().close();
        return Promise.resolve();
      },
    });
    await expect.poll(() => allow).toBeDefined();
    ends.abort(new Error("gone"));
    await expect(running).rejects.toThrow("gone");
    expect(late).toBeUndefined();
    allow?.();
    await expect.poll(() => late).toBeDefined();
    await late?.ended;
  });

  test("opens none for a call that has ended already", async () => {
    const ended = AbortSignal.abort(new Error("gone"));
    await expect(pool.withChannel(ended, { open, use: () => Promise.resolve() })).rejects.toThrow("gone");
    expect(connections).toHaveLength(0);
  });

  test("lets what runs go on when it is retired, then closes, and says that it is empty", async () => {
    let finish: () => void = () => undefined;
    const running = runFor(new Promise<void>((resolve) => (finish = resolve)));
    await expect.poll(() => channels.length).toBe(1);
    pool.retire();
    expect(connections[0]?.isOpen).toBe(true);
    finish();
    expect(await running).toBe("done");
    await connections[0]?.closed;
    expect(emptied.times).toBe(1);
  });

  test("that is retired while nobody uses it closes at once", async () => {
    await runFor(Promise.resolve());
    pool.retire();
    await connections[0]?.closed;
  });

  test("ends a connection that is being made when it is destroyed", async () => {
    const running = runFor(Promise.resolve());
    pool.destroy(new Error("the vault was locked"));
    await expect(running).rejects.toThrow();
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  test("gives running calls a moment when it is destroyed", async () => {
    const running = runFor(new Promise(() => undefined)).catch(() => undefined);
    await expect.poll(() => channels.length).toBe(1);
    pool.destroy(new Error("the vault was locked"));
    expect(connections[0]?.isOpen).toBe(true);
    await connections[0]?.closed;
    void running;
  });

  test("closes a connection that nobody has used for a while, and none that is used again", async () => {
    await runFor(Promise.resolve());
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS / 2));
    await runFor(new Promise((resolve) => setTimeout(resolve, IDLE_MS)));
    expect(connections).toHaveLength(1);
    expect(connections[0]?.isOpen).toBe(true);
    await connections[0]?.closed;
  });

  test("makes as many connections as it may when each takes one channel, and lets the rest wait", async () => {
    openAtOnce = 1;
    const areAllMade = expect.poll(() => connections.length, { timeout: 10_000 }).toBe(16);
    const held = areAllMade.then(() => new Promise((resolve) => setTimeout(resolve, 100)));
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => runFor(held)));
    expect(outcomes).toEqual(outcomes.map(() => "done"));
    expect(connections).toHaveLength(16);
    // All but one are refused on the first connection; from then on it is known what a connection takes.
    expect(refusals).toBe(19);
  });

  test("lets nobody wait for ever for a channel", async () => {
    openAtOnce = 1;
    let finish: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (finish = resolve));
    const running = Array.from({ length: 16 }, () => runFor(held));
    await expect.poll(() => connections.length, { timeout: 10_000 }).toBe(16);
    await expect(runFor(held)).rejects.toMatchObject({ code: "rate_limited" });
    finish();
    await Promise.all(running);
  });

  test("tells all who wait for a connection why there is none", async () => {
    await server.close();
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => runFor(Promise.resolve())));
    expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => "rejected"));
    expect(emptied.times).toBeGreaterThan(0);
  });
});
