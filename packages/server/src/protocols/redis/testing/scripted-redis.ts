import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A server that records what it hears, and says what it is told to. */
export interface ScriptedRedis {
  readonly port: number;
  /** All bytes of all connections, as text. */
  heard(): string;
  /** How many connections were made. */
  readonly connections: () => number;
  /** To the connection that was made last. */
  say(text: string): void;
  close(): Promise<void>;
}

/**
 * @param onBytes called with all that a connection sent so far, whenever more came: what is said to it then
 * @param greeting said before anything is heard
 */
export async function startScriptedRedis(
  onBytes: (heard: string, socket: Socket) => string | undefined,
  greeting?: string,
): Promise<ScriptedRedis> {
  let all = "";
  let made = 0;
  const sockets: Socket[] = [];
  const listener = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    made += 1;
    sockets.push(socket);
    let heard = "";
    if (greeting !== undefined) socket.write(greeting);
    socket
      .on("error", () => undefined)
      .on("end", () => socket.end())
      .on("data", (chunk: Buffer) => {
        heard += chunk.toString("latin1");
        all += chunk.toString("latin1");
        const answer = onBytes(heard, socket);
        if (answer !== undefined) socket.write(Buffer.from(answer, "latin1"));
      });
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    heard: () => all,
    connections: () => made,
    say(text) {
      sockets.at(-1)?.write(text);
    },
    async close() {
      const closed = once(listener, "close");
      listener.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A client without any library. */
export interface RawClient {
  readonly socket: Socket;
  send(text: string | Buffer): void;
  /** Resolves with all that was heard so far, as soon as that ends with `end`. */
  until(end: string): Promise<string>;
  /** Resolves with all that was heard, when the other end closes or breaks off. */
  closed(): Promise<string>;
}

export async function connectRawClient(port: number): Promise<RawClient> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
  await once(socket, "connect");
  let heard = "";
  let isOver = false;
  const listeners = new Set<() => void>();
  const notify = (): void => {
    for (const listener of [...listeners]) listener();
  };
  const over = (): void => {
    isOver = true;
    notify();
  };
  socket
    .on("error", over)
    .on("end", over)
    .on("close", over)
    .on("data", (chunk: Buffer) => {
      heard += chunk.toString("latin1");
      notify();
    });
  const when = (condition: () => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (condition()) resolve(heard);
        else if (isOver) reject(new Error(`closed after ${JSON.stringify(heard)}`));
        else return;
        listeners.delete(check);
      };
      listeners.add(check);
      check();
    });
  return {
    socket,
    send: (text) => void socket.write(text),
    until: (end) => when(() => heard.endsWith(end)),
    closed: () => when(() => isOver),
  };
}
