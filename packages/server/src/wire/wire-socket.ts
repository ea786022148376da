import type { Duplex } from "node:stream";
import type { ReusedReads } from "./reused-reads.js";
import { ProtocolViolation, type Peer } from "./protocol-violation.js";

/** What a parser found at the beginning of the bytes at hand. */
export interface Parsed<T> {
  readonly value: T;
  /** How many bytes it took, at least one. */
  readonly length: number;
}

/**
 * Finds one message at the beginning of `bytes`; undefined if it is not whole yet. Pure: it is called again with more
 * bytes, from their beginning. What it gives may be a view of `bytes`.
 * @throws ProtocolViolation
 */
export type ParseMessage<T> = (bytes: Buffer) => Parsed<T> | undefined;

/** A connection whose protocol is spoken no more here. */
export interface DetachedSocket {
  readonly socket: Duplex;
  /** What was read and belongs to nobody yet: it came behind the last message. */
  readonly rest: Buffer;
  /** A cheaper way than `pipe` for what follows. */
  readonly reads?: ReusedReads | undefined;
}

const LINE_FEED = 0x0a;

/** How long a far end may take to read the last words that it is sent. */
const LINGER_MS = 1000;

/**
 * One end of a session while its protocol is spoken: reads whole messages when they are asked for, and loses no byte
 * that came behind them. One reader at a time.
 */
export class WireSocket {
  readonly #socket: Duplex;
  readonly #peer: Peer;
  readonly #reads: ReusedReads | undefined;
  #buffered: Buffer = Buffer.alloc(0);
  #failure: Error | undefined;
  #hasEnded = false;
  #wake: (() => void) | undefined;
  #isDetached = false;

  /**
   * @param socket read by nobody else from now on, until {@link WireSocket.detach}
   * @param peer who is at the other end
   * @param reads what reads the connection, if it was made so
   */
  constructor(socket: Duplex, peer: Peer, reads?: ReusedReads) {
    this.#socket = socket;
    this.#peer = peer;
    this.#reads = reads;
    socket.pause();
    socket
      .on("readable", this.#onReadable)
      .on("end", this.#onEnd)
      .on("error", this.#onError)
      .on("close", this.#onClose);
  }

  /** Whether bytes are there that were not asked for yet: what a far end sent ahead. */
  get hasMore(): boolean {
    return this.#buffered.length > 0 || this.#socket.readableLength > 0;
  }

  /** Whether the connection is over: writing to it is of no use. */
  get isOver(): boolean {
    return this.#failure !== undefined || this.#socket.destroyed;
  }

  /**
   * The next message.
   * @param limit bytes that a message may have
   * @throws ProtocolViolation if it is longer, broken, or the connection ends before it is whole; what
   *   {@link WireSocket.destroy} was given
   */
  async read<T>(parse: ParseMessage<T>, limit: number): Promise<T> {
    for (;;) {
      const parsed = this.#buffered.length === 0 ? undefined : this.#parse(parse);
      if ((parsed?.length ?? this.#buffered.length) > limit)
        throw new ProtocolViolation("a message is too long", this.#peer);
      if (parsed !== undefined) {
        this.#buffered = this.#buffered.subarray(parsed.length);
        return parsed.value;
      }
      await this.#more();
    }
  }

  /** One line with its line feed. */
  readLine(limit: number): Promise<Buffer> {
    return this.read((bytes) => {
      const end = bytes.indexOf(LINE_FEED);
      return end === -1 ? undefined : { value: bytes.subarray(0, end + 1), length: end + 1 };
    }, limit);
  }

  readExactly(length: number): Promise<Buffer> {
    return this.read(
      (bytes) => (bytes.length < length ? undefined : { value: bytes.subarray(0, length), length }),
      length,
    );
  }

  /**
   * Resolves when the system has taken the bytes.
   * @throws ProtocolViolation if the connection is over; what {@link WireSocket.destroy} was given
   */
  async write(bytes: Buffer | string): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) reject(this.#failure ?? this.#lost());
        else resolve();
      });
    });
  }

  /** Whatever is there, at least one byte, or more as soon as there is some. */
  readSome(): Promise<Buffer> {
    return this.read((bytes) => ({ value: bytes, length: bytes.length }), Infinity);
  }

  /**
   * Gives the connection away: to TLS on top of it, or to whoever passes on what follows the login. Nobody
   * who reads at that moment gets anything any more.
   */
  detach(): DetachedSocket {
    if (this.#isDetached) throw new Error("the socket was given away before");
    this.#isDetached = true;
    this.#take();
    const rest = this.#buffered;
    this.#buffered = Buffer.alloc(0);
    this.#socket
      .off("readable", this.#onReadable)
      .off("end", this.#onEnd)
      .off("error", this.#onError)
      .off("close", this.#onClose);
    return { socket: this.#socket, rest, reads: this.#reads };
  }

  /**
   * Closes at once. Whoever reads or writes gets `reason`. A connection that was given away is not touched: to destroy a
   * socket under its TLS ends the process (Node 20 and 24).
   */
  destroy(reason?: Error): void {
    if (this.#isDetached) return;
    this.#failure ??= reason ?? this.#lost();
    this.#socket.on("error", ignore).destroy();
    this.#notify();
  }

  /** Sends what was written and `bytes`, then closes, whatever still comes. Never throws. */
  async end(bytes: Buffer | string = ""): Promise<void> {
    if (this.isOver) return;
    this.#socket.on("error", ignore);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LINGER_MS);
      this.#socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      // What is unread at a close would make the system send a reset, which overtakes the last words.
      this.#socket.off("readable", this.#onReadable).resume();
      this.#socket.end(bytes, () => this.#socket.destroy());
    });
    this.#socket.destroy();
  }

  #parse<T>(parse: ParseMessage<T>): Parsed<T> | undefined {
    try {
      return parse(this.#buffered);
    } catch (error) {
      if (error instanceof ProtocolViolation && error.peer === undefined)
        throw new ProtocolViolation(error.message, this.#peer);
      throw error;
    }
  }

  async #more(): Promise<void> {
    if (this.#take()) return;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#hasEnded) throw this.#lost();
    if (this.#wake !== undefined) throw new Error("two readers at once");
    await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #lost(): ProtocolViolation {
    return new ProtocolViolation("the connection ended in the middle", this.#peer);
  }

  /** @returns whether there was more */
  #take(): boolean {
    const chunks: Buffer[] = [];
    for (;;) {
      const chunk: unknown = this.#socket.read();
      if (!Buffer.isBuffer(chunk)) break;
      chunks.push(chunk);
    }
    if (chunks.length === 0) return false;
    this.#buffered = Buffer.concat([this.#buffered, ...chunks]);
    return true;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  readonly #onReadable = (): void => this.#notify();

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    this.#notify();
  };

  readonly #onError = (): void => {
    this.#failure ??= this.#lost();
    this.#notify();
  };

  readonly #onClose = (): void => {
    this.#failure ??= this.#lost();
    this.#notify();
  };
}

/** A connection that is going away may still report an error; nobody is left to hear it. */
function ignore(): void {
  return undefined;
}
