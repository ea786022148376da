import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** An upstream that writes what it likes: gets each connection, and the first bytes that came on it. */
export interface RawUpstream {
  readonly origin: string;
  readonly sockets: ReadonlySet<Socket>;
  /** Connections that carried a request and are closed. (undici opens a fresh one after an abort, and keeps it idle.) */
  readonly ended: () => number;
  close(): Promise<void>;
}

export async function startRawUpstream(
  onRequest: (socket: Socket, head: string) => void,
): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  let ended = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    let text = "";
    let isUsed = false;
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (!text.includes("\r\n\r\n")) return;
      const head = text;
      text = "";
      if (!isUsed) socket.once("close", () => (ended += 1));
      isUsed = true;
      onRequest(socket, head);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    ended: () => ended,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Opens a connection to an `http://` address. Errors on it are the test's to see in what was received. */
export function connectTo(address: string): Socket {
  const { hostname, port } = new URL(address);
  return connect(Number(port), hostname).on("error", () => undefined);
}

/** Sends `text` and gives all that comes back until the other side closes. */
export function exchange(address: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connectTo(address);
    socket.on("data", (chunk) => (received += chunk.toString("latin1")));
    socket.on("close", () => resolve(received));
    socket.write(text, "latin1");
  });
}

export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Resolves when the condition holds; rejects after 5 s. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("it did not happen within 5 s");
    await wait(10);
  }
}
