import type { Duplex } from "node:stream";
import { passUntouched, type PassBytes } from "../../wire/splice.js";
import type { DetachedSocket } from "../../wire/wire-socket.js";
import type { LocalLogin } from "../session-driver.js";
import { readCommand, type Command } from "./command.js";
import { REDIS_LIMITS } from "./limits.js";
import { judgeAuth, judgeHello, type Judgement } from "./login-command.js";
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
 * Passes bytes on between a client and a server that is logged in already, less the client's credentials. As long as the
 * client only sets its connection up, an AUTH is answered here, in its turn among the server's replies, and a HELLO goes
 * on without its AUTH. From the first other command on, bytes pass untouched, both ways.
 *
 * @param ahead what the client sent before what it was read last: the command that logged it in
 * @param login what an AUTH must give; undefined if any will do
 */
export function passSetUp(ahead: Buffer, login: LocalLogin | undefined): PassBytes {
  return (client, server) => {
    const rest = Buffer.concat([ahead, client.rest]);
    new SetUpRelay({ socket: client.socket, rest }, server, login).start();
  };
}

class SetUpRelay {
  readonly #client: Duplex;
  readonly #server: Duplex;
  readonly #reads: DetachedSocket["reads"];
  readonly #login: LocalLogin | undefined;
  readonly #replies = createReplyCounter();
  /** Bytes of the client that are not whole yet, or wait for `#held`. */
  #buffered: Buffer;
  /** What the server sent before this began. */
  readonly #ahead: Buffer;
  /** Commands passed on whose replies have not come. */
  #outstanding = 0;
  /** An answer from here, whose turn is when nothing is outstanding. */
  #held: Buffer | undefined;
  #commands = 0;
  #isSetUp = false;
  #isOver = false;

  constructor(client: DetachedSocket, server: DetachedSocket, login: LocalLogin | undefined) {
    this.#client = client.socket;
    this.#server = server.socket;
    this.#reads = server.reads;
    this.#buffered = client.rest;
    this.#ahead = server.rest;
    this.#login = login;
  }

  start(): void {
    this.#client
      .on("readable", this.#pump)
      .on("end", this.#pump)
      .on("drain", this.#onClientDrain)
      .on("close", this.#leave);
    this.#server.on("data", this.#onReply).on("end", this.#onServerEnd).on("close", this.#leave);
    if (this.#ahead.length > 0) this.#onReply(this.#ahead);
    if (this.#server.readableEnded) this.#onServerEnd();
    this.#pump();
  }

  /** Both streams are somebody else's from now on. */
  readonly #leave = (): void => {
    this.#isOver = true;
    this.#client
      .off("readable", this.#pump)
      .off("end", this.#pump)
      .off("drain", this.#onClientDrain)
      .off("close", this.#leave);
    this.#server.off("data", this.#onReply).off("end", this.#onServerEnd).off("close", this.#leave);
  };

  readonly #onReply = (chunk: Buffer): void => {
    try {
      this.#outstanding -= this.#replies.count(chunk);
    } catch (error) {
      this.#server.destroy(error as Error);
      return;
    }
    if (!this.#client.write(chunk)) this.#server.pause();
    if (this.#held !== undefined) this.#pump();
  };

  readonly #onClientDrain = (): void => void this.#server.resume();

  readonly #onServerEnd = (): void => void this.#client.end();

  /** Passes on what there is of the client: no more than its limits allow, whether the server takes it or not. */
  readonly #pump = (): void => {
    try {
      while (!this.#isOver && this.#passCommands()) {
        if (this.#isSetUp) {
          this.#leave();
          const empty = Buffer.alloc(0);
          passUntouched(
            { socket: this.#client, rest: this.#buffered },
            { socket: this.#server, rest: empty, reads: this.#reads },
          );
          return;
        }
        const chunk: unknown = this.#client.read();
        if (!Buffer.isBuffer(chunk)) {
          // A command that is not whole is none, for Redis too.
          if (this.#client.readableEnded) this.#server.end();
          return;
        }
        this.#buffered = Buffer.concat([this.#buffered, chunk]);
      }
    } catch (error) {
      this.#client.destroy(error as Error);
    }
  };

  /** @returns false if an answer from here has to wait for its turn */
  #passCommands(): boolean {
    const pieces: Buffer[] = [];
    while (this.#answerHeld() && !this.#isSetUp) {
      const isLooked = this.#commands < REDIS_LIMITS.setUpCommands;
      const read = isLooked ? readCommand(this.#buffered) : OPAQUE;
      if (read === undefined) break;
      if (read.kind === "opaque") this.#isSetUp = true;
      else {
        this.#commands += 1;
        const bytes = this.#buffered.subarray(0, read.length);
        this.#buffered = this.#buffered.subarray(read.length);
        pieces.push(read.kind === "blank" ? bytes : this.#passCommand(read.command, bytes));
      }
    }
    const passed = Buffer.concat(pieces);
    if (passed.length > 0) this.#server.write(passed);
    return this.#held === undefined;
  }

  /** @returns what goes to the server */
  #passCommand(command: Command, bytes: Buffer): Buffer {
    const judgement = judge(command, this.#login);
    if (judgement === undefined) {
      this.#isSetUp = !isSetUpCommand(command);
      this.#outstanding += 1;
      return bytes;
    }
    if ("forward" in judgement.action) {
      this.#outstanding += 1;
      return judgement.action.forward;
    }
    this.#held = judgement.action.reply;
    return Buffer.alloc(0);
  }

  /** @returns whether nothing waits for its turn any more */
  #answerHeld(): boolean {
    if (this.#held === undefined) return true;
    if (this.#outstanding > 0 || !this.#replies.isAtBoundary) return false;
    if (!this.#client.writableEnded) this.#client.write(this.#held);
    this.#held = undefined;
    return true;
  }
}

const OPAQUE = { kind: "opaque" } as const;

function judge(command: Command, login: LocalLogin | undefined): Judgement | undefined {
  if (command.name === "AUTH") return judgeAuth(command, login);
  return command.name === "HELLO" ? judgeHello(command, login, true) : undefined;
}

function isSetUpCommand({ name, args }: Command): boolean {
  if (name !== "CLIENT") return SET_UP.has(name);
  return SET_UP_CLIENT.has(args[0]?.toString("latin1").toUpperCase() ?? "");
}
