import { Duplex } from "node:stream";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { DetachedSocket } from "../../wire/wire-socket.js";
import type { LocalLogin } from "../session-driver.js";
import { readCommand, type Command } from "./command.js";
import { REDIS_LIMITS } from "./limits.js";
import { judgeAuth, judgeHello } from "./login-command.js";
import { createReplyCounter } from "./reply-counter.js";

/** Commands by which libraries set a connection up, before, between and after AUTH and HELLO. Each gets one reply. */
const SET_UP: ReadonlySet<string> = new Set(["SELECT", "READONLY", "COMMAND"]);
const SET_UP_CLIENT: ReadonlySet<string> = new Set([
  "SETINFO",
  "SETNAME",
  "GETNAME",
  "ID",
  "NO-EVICT",
  "NO-TOUCH",
]);

/**
 * A client's connection to a server that is logged in already: what is written goes to the client, what is read is the
 * client's, less its credentials. As long as the client only sets its connection up, an AUTH is answered here, in its
 * turn among the server's replies, and a HELLO goes on without its AUTH. From the first other command on, bytes pass
 * untouched, both ways.
 */
export class SetUpFilter extends Duplex {
  readonly #socket: Duplex;
  readonly #login: LocalLogin | undefined;
  readonly #replies = createReplyCounter();
  /** Bytes of the client that are not whole yet, or wait for `#held`. */
  #buffered: Buffer;
  /** Commands passed on whose replies have not come. */
  #outstanding = 0;
  /** An answer from here, whose turn is when nothing is outstanding. */
  #held: Buffer | undefined;
  #commands = 0;
  #isSetUp = false;
  #wantsMore = false;
  #hasEnded = false;

  /** @param login what another AUTH must give; undefined if any will do */
  constructor({ socket, rest }: DetachedSocket, login: LocalLogin | undefined) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#login = login;
    this.#buffered = rest;
    this.#hasEnded = socket.readableEnded;
    socket
      .on("readable", this.#onReadable)
      .on("end", this.#onEnd)
      .on("error", (error) => this.destroy(error))
      .on("close", this.#onClose);
    if (socket.destroyed) this.#onClose();
  }

  override _read(): void {
    this.#wantsMore = true;
    this.#pump();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    try {
      if (!this.#isSetUp) this.#outstanding -= this.#replies.count(chunk);
    } catch (error) {
      callback(asServers(error));
      return;
    }
    this.#socket.write(chunk, callback);
    if (this.#held !== undefined) this.#pump();
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket.end(callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }

  readonly #onReadable = (): void => this.#pump();

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    this.#pump();
  };

  readonly #onClose = (): void => {
    // What a client sent before it closed in order may still be on its way to the server.
    if (!this.#socket.readableEnded || !this.#socket.writableFinished) this.destroy();
  };

  /** Passes on what there is, while it is wanted. */
  #pump(): void {
    try {
      while (this.#wantsMore && this.#passBuffered()) {
        const chunk: unknown = this.#socket.read();
        if (Buffer.isBuffer(chunk)) {
          this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
        } else {
          // A command that is not whole is none, for Redis too.
          if (this.#hasEnded) this.#give(null);
          return;
        }
      }
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** @returns whether all that is whole was passed on */
  #passBuffered(): boolean {
    const pieces: Buffer[] = [];
    while (!this.#isSetUp && this.#answerHeld()) {
      const read =
        this.#commands < REDIS_LIMITS.setUpCommands
          ? readCommand(this.#buffered)
          : ({ kind: "opaque" } as const);
      if (read === undefined) break;
      if (read.kind === "opaque") this.#isSetUp = true;
      else {
        const bytes = this.#buffered.subarray(0, read.length);
        this.#buffered = this.#buffered.subarray(read.length);
        pieces.push(read.kind === "blank" ? bytes : this.#passCommand(read.command, bytes));
      }
    }
    if (this.#isSetUp) {
      pieces.push(this.#buffered);
      this.#buffered = Buffer.alloc(0);
    }
    const passed = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
    if (passed !== undefined && passed.length > 0) this.#give(passed);
    return this.#held === undefined;
  }

  /** @returns what goes to the server */
  #passCommand(command: Command, bytes: Buffer): Buffer {
    this.#commands += 1;
    const action = this.#actionFor(command, bytes);
    if ("forward" in action) {
      this.#outstanding += 1;
      return action.forward;
    }
    this.#held = action.reply;
    return Buffer.alloc(0);
  }

  #actionFor(command: Command, bytes: Buffer): { reply: Buffer } | { forward: Buffer } {
    const { name, args } = command;
    if (name === "AUTH") return judgeAuth(command, this.#login).action;
    if (name === "HELLO") return judgeHello(command, this.#login, true).action;
    const option = args[0]?.toString("latin1").toUpperCase() ?? "";
    const setsUp = SET_UP.has(name) || (name === "CLIENT" && SET_UP_CLIENT.has(option));
    if (!setsUp) this.#isSetUp = true;
    return { forward: bytes };
  }

  /** @returns whether nothing waits for its turn any more */
  #answerHeld(): boolean {
    if (this.#held === undefined) return true;
    if (this.#outstanding > 0 || !this.#replies.isAtBoundary) return false;
    this.#socket.write(this.#held);
    this.#held = undefined;
    return true;
  }

  #give(bytes: Buffer | null): void {
    this.#wantsMore = this.push(bytes) && bytes !== null;
  }
}

function asServers(error: unknown): Error {
  return error instanceof ProtocolViolation
    ? new ProtocolViolation(error.message, "server")
    : (error as Error);
}
