import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";
import { afterEach, describe, expect, test } from "vitest";
import { WORKER_LIMITS } from "./limits.js";
import type { WorkerMessage, WorkerSettings } from "./messages.js";
import { createWorkerPool, type WorkerPool } from "./worker-pool.js";
import { WorkerProcess } from "./worker-process.js";

const SETTINGS = {} as WorkerSettings;
/** Says that it is ready, answers pings, and goes when it is told to. */
const HONEST = `
  process.send({ type: "loaded" });
  process.on("message", (message) => {
    if (message.type === "start") process.send({ type: "ready" });
    if (message.type === "ping") process.send({ type: "pong", id: message.id, connections: 2, calls: 1 });
    if (message.type === "stop") process.send({ type: "left" }, () => process.exit());
  });`;
/** The same, but that it answers no ping. */
const SILENT = HONEST.replace('"ping"', '"never"');
const DYING = "process.exit(1)";
/** Greets each connection, too. */
const ANSWERING = `${HONEST}
  process.on("message", ({ type }, socket) => {
    if (type === "connection") process.send({ type: "taken" }, () => socket.end("hello"));
  });`;

const every = (milliseconds: number, task: () => void): (() => void) => {
  const timer = setInterval(task, milliseconds);
  return () => clearInterval(timer);
};
const runLater = (milliseconds: number, task: () => void): (() => void) => {
  const timer = setTimeout(task, milliseconds);
  return () => clearTimeout(timer);
};

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function start(program: string): ChildProcess {
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
  children.push(child);
  return child;
}

const ignore = (): void => undefined;
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function pool(
  count: number,
  programs: (nth: number) => string,
  after = runLater,
): { pool: WorkerPool; briefed: () => number; gone: () => number } {
  let started = 0;
  let briefed = 0;
  let gone = 0;
  const made = createWorkerPool({
    ...{ count, log, every, after, maxWaiting: 1 },
    spawn: () => start(programs((started += 1))),
    settings: () => SETTINGS,
    brief: () => (briefed += 1),
    onMessage: ignore,
    onGone: () => (gone += 1),
    now: () => performance.now(),
  });
  return { pool: made, briefed: () => briefed, gone: () => gone };
}

describe("a pool", () => {
  test("starts its workers, tells each what it has to know, sums what they say, and stops them", async () => {
    const { pool: workers, briefed, gone } = pool(2, () => HONEST);
    await workers.start();
    expect(briefed()).toBe(2);
    await workers.caughtUp();
    expect([workers.connections, workers.calls]).toEqual([4, 2]);
    await workers.stop();
    expect(gone()).toBe(2);
    expect([workers.connections, workers.calls]).toEqual([0, 0]);
  });

  test("replaces workers that die at their start ever more slowly", async () => {
    const waits: number[] = [];
    const { pool: workers, gone } = pool(
      1,
      () => DYING,
      (milliseconds, task) => {
        if (milliseconds === WORKER_LIMITS.start) return ignore;
        waits.push(milliseconds);
        return runLater(1, task);
      },
    );
    await workers.start();
    await expect.poll(gone, { timeout: 30_000 }).toBeGreaterThanOrEqual(9);
    expect(waits.slice(0, 9)).toEqual([100, 200, 400, 800, 1000, 1000, 1000, 1000, 1000]);
    await workers.stop();
  });

  test("kills a worker that is silent while somebody waits for it, and starts another", async () => {
    const { pool: workers, gone } = pool(2, (nth) => (nth === 1 ? SILENT : HONEST));
    await workers.start();
    const startedAt = performance.now();
    await workers.caughtUp();
    expect(performance.now() - startedAt).toBeGreaterThan(WORKER_LIMITS.silence);
    expect(gone()).toBe(1);
    await expect.poll(() => workers.connections, { timeout: 10_000 }).toBeGreaterThan(0);
    await workers.stop();
  });
});

test("a worker that has callers may be silent for a second, one that has none for longer", async () => {
  const silentAfter = (ping: number, connections: number): string =>
    HONEST.replace('"ping")', `"ping" && message.id <= ${ping})`).replace(
      "connections: 2",
      `connections: ${connections}`,
    );
  const { pool: workers, gone } = pool(2, (nth) =>
    nth === 1 ? silentAfter(1, 1) : nth === 2 ? silentAfter(1, 0) : HONEST,
  );
  const startedAt = performance.now();
  await workers.start();
  await expect.poll(gone, { timeout: WORKER_LIMITS.idleSilence }).toBe(1);
  expect(performance.now() - startedAt).toBeLessThan(WORKER_LIMITS.idleSilence);
  expect(children.map(({ signalCode }) => signalCode).slice(0, 2)).toEqual(["SIGKILL", null]);
  await workers.stop();
});

test("a connection that a worker dies with before it reads is another worker's", async () => {
  const dies = HONEST.replace(
    "(message) => {",
    '(message) => { if (message.type === "connection") process.exit(1);',
  );
  const { pool: workers, gone } = pool(2, (nth) => (nth === 1 ? dies : ANSWERING));
  await workers.start();
  const { greet, close } = await openDoor(workers);
  expect(await Promise.all([greet(), greet(), greet()])).toEqual(["hello", "hello", "hello"]);
  expect(gone()).toBe(1);
  close();
  await workers.stop();
});

test("a connection that a silent worker does not take is another worker's after a second", async () => {
  const { pool: workers, gone } = pool(2, (nth) => (nth === 1 ? SILENT : ANSWERING));
  await workers.start();
  const { greet, close } = await openDoor(workers);
  const startedAt = performance.now();
  expect(await Promise.all([greet(), greet(), greet()])).toEqual(["hello", "hello", "hello"]);
  const took = performance.now() - startedAt;
  expect(took).toBeGreaterThan(WORKER_LIMITS.silence);
  expect(took).toBeLessThan(WORKER_LIMITS.idleSilence);
  expect(gone()).toBe(1);
  close();
  await workers.stop();
});

/** A port whose connections the pool is dealt; `greet` connects, and hears what a worker says. */
async function openDoor(
  workers: WorkerPool,
): Promise<{ readonly greet: () => Promise<string>; readonly close: () => void }> {
  const door = createServer({ pauseOnConnect: true }, (socket) => workers.deal(socket));
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  const greet = (): Promise<string> =>
    new Promise((resolve) => {
      let heard = "";
      connect((door.address() as AddressInfo).port, "127.0.0.1")
        .on("data", (chunk) => (heard += chunk.toString()))
        .on("close", () => resolve(heard));
    });
  return { greet, close: () => door.close() };
}

describe("a worker", () => {
  const watch = (
    program: string,
    onMessage: (message: WorkerMessage) => void = ignore,
  ): { worker: WorkerProcess; ended: Promise<object> } => {
    const child = start(program);
    let onExit: (how: object) => void = ignore;
    const ended = new Promise<object>((resolve) => (onExit = resolve));
    const worker = new WorkerProcess({ child, onMessage, onExit, now: () => performance.now(), every });
    return { worker, ended };
  };

  test("that says something is not silent, however long its answer takes", async () => {
    const busy = `
      process.on("message", ({ id }) => {
        const timer = setInterval(() => process.send({ type: "struck" }), 20);
        setTimeout(() => { clearInterval(timer); process.send({ type: "pong", id, connections: 0, calls: 0 }); }, 1200);
      });`;
    const { worker } = watch(busy);
    await worker.ping(600);
    expect(worker.pid).toBeDefined();
    worker.kill();
  });

  test("is not silent for as long as its owner was stopped itself", async () => {
    const tasks = new Map<number, () => void>();
    let time = 0;
    const child = start(SILENT);
    const worker: WorkerProcess = new WorkerProcess({
      child,
      ...{ onMessage: ignore, onExit: ignore, now: () => time },
      every: (milliseconds, task) => {
        tasks.set(milliseconds, task);
        return ignore;
      },
    });
    await once(child, "message");
    const look = async (): Promise<void> => {
      tasks.get(WORKER_LIMITS.look)?.();
      for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    };
    void worker.ping(WORKER_LIMITS.silence);
    time += 60_000;
    await look();
    for (let waited = 0; waited <= WORKER_LIMITS.silence; waited += WORKER_LIMITS.look) {
      expect(child.killed).toBe(false);
      time += WORKER_LIMITS.look;
      await look();
    }
    expect(child.killed).toBe(true);
  });

  test("has said its last before it counts as gone", async () => {
    const heard: string[] = [];
    const last = `
      for (let each = 0; each < 500; each += 1) process.send({ type: "batch", entries: [], filler: "x".repeat(500) });
      process.send({ type: "left" }, () => process.exit());`;
    const { ended } = watch(last, ({ type }) => heard.push(type));
    expect(await ended).toEqual({ wasSilent: false, hasLeft: true, untaken: [] });
    expect(heard).toHaveLength(501);
  });

  test("that closes its channel is killed: nobody could tell it anything any more", async () => {
    const { ended } = watch("process.disconnect(); setInterval(() => undefined, 1000);");
    expect(await ended).toEqual({ wasSilent: false, hasLeft: false, untaken: [] });
    const [child] = children;
    if (child?.signalCode === null) await once(child, "exit");
    expect(child?.signalCode).toBe("SIGKILL");
  });

  test("that is gone answers whoever waits", async () => {
    const { worker, ended } = watch(DYING);
    await Promise.all([worker.ping(60_000), ended]);
    await worker.ping(60_000);
  });
});
