import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";

export interface LineServer {
  readonly port: number;
  /** What came on all connections, in turn of arrival. */
  readonly heard: () => string;
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** The server of the line protocol: it wants `login secret-password`, and sends back what comes after that. */
export async function startLineServer(
  onLoggedIn: (socket: Socket) => void = (socket) => void socket.pipe(socket),
): Promise<LineServer> {
  const sockets = new Set<Socket>();
  let heard = "";
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.once("data", (chunk: Buffer) => {
      heard += chunk.toString();
      if (chunk.toString() !== "login secret-password\n") socket.end("go away\n");
      else {
        socket.write("ready\n");
        onLoggedIn(socket);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => heard,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
