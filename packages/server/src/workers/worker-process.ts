import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { WORKER_LIMITS } from "./limits.js";
import type { OwnerMessage, WorkerMessage } from "./messages.js";

export interface WorkerProcessParts {
  readonly child: ChildProcess;
  readonly onMessage: (message: WorkerMessage) => void;
  /** Called once; the process holds nothing any more. */
  readonly onExit: (how: {
    readonly wasSilent: boolean;
    readonly hasLeft: boolean;
    /** Connections that it did not take any more. */
    readonly untaken: readonly Socket[];
  }) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly every: (milliseconds: number, task: () => void) => () => void;
}

interface Ping {
  readonly sentAt: number;
  /** For how long it may stay without an answer, while nothing else is heard either. */
  readonly patience: number;
  readonly resolve: () => void;
}

/** One worker as its owner sees it, from its start to its end. */
export class WorkerProcess {
  /** As it said last, with those that were handed to it since. */
  connections = 0;
  calls = 0;
  isReady = false;
  readonly pid: number | undefined;
  readonly #child: ChildProcess;
  readonly #parts: WorkerProcessParts;
  readonly #pings = new Map<number, Ping>();
  /** Connections that the worker has not taken yet, and of which nothing was read therefore: the first one first. */
  readonly #onTheirWay: { readonly socket: Socket; readonly dealtAt: number }[] = [];
  readonly #stopLooking: () => void;
  #lastPing = 0;
  #heardAt: number;
  #lookedAt: number;
  #wasSilent = false;
  #hasLeft = false;
  #isOver = false;

  constructor(parts: WorkerProcessParts) {
    const { child, now, every } = parts;
    this.#parts = parts;
    this.#child = child;
    this.pid = child.pid;
    this.#heardAt = now();
    this.#lookedAt = this.#heardAt;
    child.on("message", (message: WorkerMessage) => this.#hear(message));
    child.on("error", () => this.kill());
    child.once("exit", () => {
      // What it said last may not be read yet.
      if (child.connected) setTimeout(() => this.#end(), WORKER_LIMITS.lastWords);
      else this.#end();
    });
    child.once("disconnect", () => {
      if (child.exitCode !== null || child.signalCode !== null) this.#end();
      // Whoever has closed the channel is as good as gone, and must not go on.
      else this.kill();
    });
    const stopLooking = every(WORKER_LIMITS.look, () => this.#look());
    const stopBeating = every(WORKER_LIMITS.heartbeat, () => {
      if (!this.isReady || this.#pings.size > 0) return;
      void this.ping(this.connections > 0 ? WORKER_LIMITS.silence : WORKER_LIMITS.idleSilence);
    });
    this.#stopLooking = () => {
      stopLooking();
      stopBeating();
    };
  }

  send(message: OwnerMessage): void {
    if (this.#isOver || !this.#child.connected) return;
    // A worker that cannot be told is about to be gone.
    this.#child.send(message, () => undefined);
  }

  /** Hands a connection of a caller over, of which nothing was read. Who is silent and does not take it is killed. */
  deal(socket: Socket): void {
    this.connections += 1;
    this.#onTheirWay.push({ socket, dealtAt: this.#parts.now() });
    if (this.#isOver || !this.#child.connected) return;
    this.#child.send(
      { type: "connection" } satisfies OwnerMessage,
      socket,
      { keepOpen: true },
      () => undefined,
    );
  }

  /**
   * Resolves when the worker has done all that it was told before, or is gone. One that stays silent is killed.
   * @param patience milliseconds
   */
  ping(patience: number): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    const id = (this.#lastPing += 1);
    return new Promise((resolve) => {
      this.#pings.set(id, { sentAt: this.#parts.now(), patience, resolve });
      this.send({ type: "ping", id });
    });
  }

  kill(): void {
    if (!this.#isOver) this.#child.kill("SIGKILL");
  }

  #hear(message: WorkerMessage): void {
    this.#heardAt = this.#parts.now();
    if (message.type === "left") this.#hasLeft = true;
    // Only this process's hold on it: it lives on in the worker.
    if (message.type === "taken") this.#onTheirWay.shift()?.socket.destroy();
    if (message.type !== "pong") {
      this.#parts.onMessage(message);
      return;
    }
    this.connections = message.connections + this.#onTheirWay.length;
    this.calls = message.calls;
    const ping = this.#pings.get(message.id);
    this.#pings.delete(message.id);
    ping?.resolve();
  }

  /** Its answer may have come while this process itself was busy: first that is read. */
  #look(): void {
    const now = this.#parts.now();
    // What stopped this process, as a machine that sleeps does, has stopped the other one as well.
    if (now - this.#lookedAt > WORKER_LIMITS.lateLook) this.#heardAt = now;
    this.#lookedAt = now;
    if (this.#isSilent()) setImmediate(() => setImmediate(() => this.#giveUpIfSilent()));
  }

  #giveUpIfSilent(): void {
    if (this.#isOver || !this.#isSilent()) return;
    this.#wasSilent = true;
    this.kill();
  }

  #isSilent(): boolean {
    const silentSince = (since: number): number => this.#parts.now() - Math.max(since, this.#heardAt);
    const [next] = this.#onTheirWay;
    if (next !== undefined && silentSince(next.dealtAt) > WORKER_LIMITS.silence) return true;
    for (const { sentAt, patience } of this.#pings.values()) {
      if (silentSince(sentAt) > patience) return true;
    }
    return false;
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.isReady = false;
    this.#stopLooking();
    this.connections = 0;
    this.calls = 0;
    this.#parts.onExit({
      ...{ wasSilent: this.#wasSilent, hasLeft: this.#hasLeft },
      untaken: this.#onTheirWay.splice(0).map(({ socket }) => socket),
    });
    for (const { resolve } of this.#pings.values()) resolve();
    this.#pings.clear();
  }
}
