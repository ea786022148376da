import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface ConnectProxy {
  readonly port: number;
  /** Heads of the requests that came, as text. */
  readonly heads: readonly string[];
  close(): Promise<void>;
}

/**
 * A small real CONNECT proxy on loopback. It connects to loopback at the port it is asked for, whatever the name, as
 * a proxy with a resolver of its own would.
 *
 * @param answer what it says instead of opening a tunnel, or "silent" for nothing at all
 */
export async function startConnectProxy(answer?: string): Promise<ConnectProxy> {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    track(client);
    client.once("data", (chunk) => {
      const head = chunk.toString("latin1");
      heads.push(head);
      if (answer === "silent") return;
      if (answer !== undefined) {
        client.end(answer, "latin1");
        return;
      }
      const port = Number(/^CONNECT \S+:(\d+) HTTP/.exec(head)?.[1]);
      const upstream = connect(port, "127.0.0.1", () => {
        client.write("HTTP/1.1 200 Connection established\r\nX-Filler: 1\r\n\r\n");
        client.pipe(upstream).pipe(client);
      });
      track(upstream);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    heads,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
