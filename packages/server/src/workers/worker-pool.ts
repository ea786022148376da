import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import type { Logger } from "../redaction/logger.js";
import { WORKER_LIMITS } from "./limits.js";
import type { OwnerMessage, WorkerMessage, WorkerSettings } from "./messages.js";
import { WorkerProcess } from "./worker-process.js";

export interface WorkerPoolParts {
  readonly count: number;
  readonly spawn: () => ChildProcess;
  readonly settings: () => WorkerSettings;
  /** Tells a worker that is about to be ready all that it has to know. */
  readonly brief: (worker: WorkerProcess) => void;
  readonly onMessage: (worker: WorkerProcess, message: WorkerMessage) => void;
  /** A worker is gone, with all that ran in it. */
  readonly onGone: (worker: WorkerProcess) => void;
  /** Connections that wait for a worker at most, while there is none. */
  readonly maxWaiting: number;
  readonly log: Logger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly every: (milliseconds: number, task: () => void) => () => void;
  readonly after: (milliseconds: number, task: () => void) => () => void;
}

/** As many workers as there should be; one that dies is replaced. */
export interface WorkerPool {
  /** Resolves when each of the first workers is ready or has failed. */
  start(): Promise<void>;
  /** Hands a connection of which nothing was read to the next worker. */
  deal(socket: Socket): void;
  /** Tells all that know anything. */
  broadcast(message: OwnerMessage): void;
  /** Resolves when all have done what they were told before, or are gone. */
  caughtUp(): Promise<void>;
  readonly connections: number;
  readonly calls: number;
  /** Stops all: what runs may go on for a while. Resolves when no process is left. */
  stop(): Promise<void>;
}

export function createWorkerPool(parts: WorkerPoolParts): WorkerPool {
  const { log, now, every, after } = parts;
  const workers = new Set<WorkerProcess>();
  const settled = new Set<() => void>();
  const waiting: Socket[] = [];
  let isStopping = false;
  let turn = 0;
  let quickDeaths = 0;
  const ready = (): WorkerProcess[] => [...workers].filter(({ isReady }) => isReady);
  const sum = (of: (worker: WorkerProcess) => number): number =>
    [...workers].reduce((total, worker) => total + of(worker), 0);
  const settle = (): void => {
    for (const look of [...settled]) look();
  };

  function add(): void {
    const startedAt = now();
    const worker: WorkerProcess = new WorkerProcess({
      ...{ child: parts.spawn(), now, every },
      onMessage(message) {
        if (message.type === "loaded") worker.send({ type: "start", settings: parts.settings() });
        else if (message.type === "ready") welcome(worker);
        else parts.onMessage(worker, message);
      },
      onExit({ wasSilent, hasLeft, untaken }) {
        cancelStart();
        workers.delete(worker);
        parts.onGone(worker);
        if (!isStopping) replace(worker, now() - startedAt, wasSilent);
        else if (!hasLeft) log.warn({ worker: worker.pid }, "a worker did not end by itself");
        untaken.forEach(deal);
        settle();
      },
    });
    const cancelStart = after(WORKER_LIMITS.start, () => {
      if (!worker.isReady) worker.kill();
    });
    workers.add(worker);
  }

  /** From here on it hears of every change, and gets connections. */
  function welcome(worker: WorkerProcess): void {
    parts.brief(worker);
    worker.isReady = true;
    log.info({ worker: worker.pid }, "worker ready");
    for (const socket of waiting.splice(0)) worker.deal(socket);
    settle();
  }

  function deal(socket: Socket): void {
    const candidates = ready();
    const next = candidates[(turn += 1) % Math.max(1, candidates.length)];
    if (next !== undefined) next.deal(socket);
    else if (isStopping || waiting.length >= parts.maxWaiting) socket.destroy();
    else waiting.push(socket);
  }

  /** One that ends again and again at its start is not started as fast as the machine can. */
  function replace(worker: WorkerProcess, livedMs: number, wasSilent: boolean): void {
    quickDeaths = livedMs > WORKER_LIMITS.steadyAfter ? 0 : quickDeaths + 1;
    const wait = Math.min(
      WORKER_LIMITS.firstRestart * 2 ** Math.max(0, quickDeaths - 1),
      WORKER_LIMITS.longestRestart,
    );
    const reason = wasSilent ? "it was silent and was killed" : "it died";
    log.warn({ worker: worker.pid, reason, replaced_in_ms: wait }, "a worker is gone, with its connections");
    after(wait, () => {
      if (!isStopping) add();
    });
  }

  /** Resolves when `isDone`, which is looked at whenever a worker comes or goes. */
  const when = (isDone: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!isDone()) return;
        settled.delete(look);
        resolve();
      };
      settled.add(look);
      look();
    });

  return {
    start() {
      let died = 0;
      for (let each = 0; each < parts.count; each += 1) add();
      const first = [...workers];
      return when(() => {
        died = first.filter((worker) => !workers.has(worker)).length;
        return ready().length + died >= parts.count;
      });
    },
    deal,
    broadcast(message) {
      for (const worker of ready()) {
        worker.send(message);
        // Many records take long: in between it shows that it is alive.
        if (message.type === "records") void worker.ping(WORKER_LIMITS.idleSilence);
      }
    },
    async caughtUp() {
      await Promise.all(ready().map((worker) => worker.ping(WORKER_LIMITS.silence)));
    },
    get connections() {
      return sum(({ connections }) => connections);
    },
    get calls() {
      return sum(({ calls }) => calls);
    },
    async stop() {
      isStopping = true;
      for (const socket of waiting.splice(0)) socket.destroy();
      for (const worker of workers) {
        if (worker.isReady) worker.send({ type: "stop" });
        else worker.kill();
      }
      const cancel = after(WORKER_LIMITS.drain + WORKER_LIMITS.farewell, () => {
        for (const worker of workers) worker.kill();
      });
      await when(() => workers.size === 0);
      cancel();
    },
  };
}
