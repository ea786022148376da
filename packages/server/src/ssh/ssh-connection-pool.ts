import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { ChannelUse, SshConnection } from "./ssh-connection.js";
import { isChannelRefusal, sshFailure } from "./ssh-failure.js";
import { SSH_LIMITS } from "./ssh-limits.js";

/** Makes a connection, and tells the server's host key before anyone else hears of it. */
export type Connect = (signal: AbortSignal, onHostKey: (hostKey: string) => void) => Promise<SshConnection>;

/** Milliseconds; what tests make shorter. */
export interface PoolTimes {
  readonly idleMs?: number;
  readonly waitMs?: number;
}

interface Kept {
  readonly connection: SshConnection;
  /** Channels that are open, or are being opened. */
  inUse: number;
  /** How many channels the server opens on it, as far as is known. */
  capacity: number;
  /** Whether it has served a channel before. */
  isProven: boolean;
  idleTimer: NodeJS.Timeout | undefined;
}

/** How often a call tries another connection, when one was just lost or takes no more channels. */
const MAX_TURNS = 3;

/**
 * The connections to one server. All calls share one, and others are made only when the server opens no more channels
 * on it (RFC 4254 §5.1).
 */
export class SshConnectionPool {
  readonly #connect: Connect;
  readonly #onEmpty: () => void;
  readonly #idleMs: number;
  readonly #waitMs: number;
  readonly #kept = new Set<Kept>();
  readonly #ends = new AbortController();
  /** A connection that is being made: whoever needs one waits for it. */
  #pending: Promise<Kept> | undefined;
  #isRetired = false;
  #hostKey: string | undefined;
  /** How many channels the server opens on one connection, as far as it has told. */
  #capacity = Infinity;
  /** Told when a channel is free again, or a connection gone. */
  #waiting: (() => void)[] = [];

  /** @param onEmpty called when no connection is left */
  constructor(
    connect: Connect,
    onEmpty: () => void,
    { idleMs = SSH_LIMITS.idleMs, waitMs = SSH_LIMITS.waitForChannelMs }: PoolTimes = {},
  ) {
    this.#connect = connect;
    this.#onEmpty = onEmpty;
    this.#idleMs = idleMs;
    this.#waitMs = waitMs;
  }

  /** Of the server, as its connections saw it; undefined before there was one. */
  get hostKey(): string | undefined {
    return this.#hostKey;
  }

  /** Connections that are made. */
  get size(): number {
    return this.#kept.size;
  }

  async withChannel<Channel, Result>(
    signal: AbortSignal,
    { open, use }: ChannelUse<Channel, Result>,
  ): Promise<Result> {
    for (let turn = 1; ; turn += 1) {
      const kept = await this.#take(signal);
      const opening = open(kept.connection).then((channel) => {
        kept.isProven = true;
        return channel;
      });
      let channel: Channel;
      try {
        channel = await untilAborted(opening, signal);
      } catch (error) {
        // A channel that comes all the same has to be closed.
        if (signal.aborted) {
          const closing = opening.then((late) => use(late, kept.connection));
          void closing.catch(() => undefined).finally(() => this.#release(kept));
          throw error;
        }
        const isWorthAnother = this.#isWorthAnother(kept, error);
        this.#release(kept);
        if (turn === MAX_TURNS || !isWorthAnother) throw sshFailure(error);
        continue;
      }
      try {
        return await use(channel, kept.connection);
      } finally {
        this.#release(kept);
      }
    }
  }

  /** Whether a call that `error` kept from its channel may get one elsewhere. */
  #isWorthAnother(kept: Kept, error: unknown): boolean {
    if (!kept.isProven && kept.inUse === 1) return false;
    // A server may close a kept connection at any time.
    if (!kept.connection.isOpen) return true;
    if (!isChannelRefusal(error)) return false;
    kept.capacity = kept.inUse - 1;
    if (kept.capacity > 0) this.#capacity = kept.capacity;
    return true;
  }

  /** Serves nobody new; what runs goes on. */
  retire(): void {
    this.#isRetired = true;
    for (const kept of this.#kept) if (kept.inUse === 0 && kept.isProven) kept.connection.destroy();
  }

  /** Ends the connections that are being made, those that nobody uses, and soon the others: their calls are over. */
  destroy(reason: Error): void {
    this.#isRetired = true;
    this.#ends.abort(reason);
    for (const { connection, inUse } of this.#kept) {
      if (inUse === 0) connection.destroy();
      else setTimeout(() => connection.destroy(), SSH_LIMITS.destroyAfterMs).unref();
    }
  }

  /** Takes a place on a connection. */
  async #take(signal: AbortSignal): Promise<Kept> {
    const late = performance.now() + this.#waitMs;
    for (;;) {
      signal.throwIfAborted();
      for (const kept of this.#kept) {
        if (kept.connection.isOpen && kept.inUse < kept.capacity) {
          kept.inUse += 1;
          clearTimeout(kept.idleTimer);
          return kept;
        }
      }
      if (this.#pending === undefined && this.#kept.size >= SSH_LIMITS.connectionsPerService) {
        await this.#untilFree(signal, late);
      } else {
        await untilAborted((this.#pending ??= this.#make()), signal);
      }
    }
  }

  /** @throws VaultProxyError `rate_limited` when that takes too long */
  async #untilFree(signal: AbortSignal, late: number): Promise<void> {
    const gaveUp = new AbortController();
    const timer = setTimeout(() => {
      gaveUp.abort(
        new VaultProxyError("rate_limited", "the server takes no more channels: all are in use", {
          retryAfterSeconds: 10,
        }),
      );
    }, late - performance.now());
    try {
      const free = new Promise<void>((resolve) => this.#waiting.push(resolve));
      await untilAborted(free, AbortSignal.any([signal, gaveUp.signal]));
    } finally {
      clearTimeout(timer);
    }
  }

  async #make(): Promise<Kept> {
    try {
      const connection = await this.#connect(this.#ends.signal, (hostKey) => (this.#hostKey = hostKey));
      const kept: Kept = {
        connection,
        ...{ inUse: 0, capacity: this.#capacity },
        ...{ isProven: false, idleTimer: undefined },
      };
      this.#kept.add(kept);
      void connection.closed.then(() => {
        clearTimeout(kept.idleTimer);
        this.#kept.delete(kept);
        this.#wake();
        this.#reportIfEmpty();
      });
      if (this.#ends.signal.aborted) connection.destroy();
      this.#settle(kept);
      return kept;
    } finally {
      this.#pending = undefined;
      this.#reportIfEmpty();
    }
  }

  #release(kept: Kept): void {
    kept.inUse -= 1;
    this.#settle(kept);
    this.#wake();
  }

  /** What nobody uses is closed, at once or after a while. */
  #settle(kept: Kept): void {
    if (kept.inUse > 0) return;
    clearTimeout(kept.idleTimer);
    if (kept.capacity === 0 || (this.#isRetired && kept.isProven)) {
      kept.connection.destroy();
      return;
    }
    kept.idleTimer = setTimeout(() => kept.connection.destroy(), this.#idleMs);
    kept.idleTimer.unref();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #reportIfEmpty(): void {
    if (this.#kept.size === 0 && this.#pending === undefined) this.#onEmpty();
  }
}

/** Rejects with the signal's reason at once, whatever becomes of `promise`. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as VaultProxyError);
    signal.addEventListener("abort", onAbort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
