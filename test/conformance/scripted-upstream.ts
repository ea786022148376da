import { createServer, type AddressInfo, type Socket } from "node:net";
import { readRequests, type Message } from "./http-messages.js";

/** What an upstream does when the head of a request has come, and when all of it has. `count` begins with 1. */
export interface UpstreamScript {
  readonly onHead?: (socket: Socket, request: Message, count: number) => void;
  readonly onRequest?: (socket: Socket, request: Message, count: number) => void;
}

/** An upstream on a loopback port that writes what the running case says. */
export interface ScriptedUpstream {
  readonly port: number;
  /** Forgets what came, closes what is open, and goes on with another script. */
  play(script: UpstreamScript): void;
  /** All requests that came, whole or not, in the order of their connections. */
  readonly requests: () => Message[];
  /** Connections that carried anything. */
  readonly connections: () => number;
  close(): Promise<void>;
}

interface Connection {
  readonly socket: Socket;
  text: string;
  heads: number;
  complete: number;
}

export async function startScriptedUpstream(): Promise<ScriptedUpstream> {
  let script: UpstreamScript = {};
  let connections: Connection[] = [];
  let heads = 0;
  let complete = 0;

  const read = (connection: Connection): void => {
    const requests = readRequests(connection.text);
    for (const request of requests.slice(connection.heads)) {
      // Malformed ones are answered too: what reads them has no way to tell when they end, but at an empty line.
      if (request.startLine === "?" && !connection.text.endsWith("\r\n\r\n")) break;
      connection.heads += 1;
      heads += 1;
      script.onHead?.(connection.socket, request, heads);
    }
    for (const request of requests.slice(connection.complete)) {
      if (!request.isWhole && !(request.startLine === "?" && connection.text.endsWith("\r\n\r\n"))) break;
      connection.complete += 1;
      complete += 1;
      script.onRequest?.(connection.socket, request, complete);
    }
  };

  const server = createServer((socket) => {
    const connection: Connection = { socket, text: "", heads: 0, complete: 0 };
    connections.push(connection);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      connection.text += chunk.toString("latin1");
      if (connections.includes(connection)) read(connection);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const closeAll = (): void => connections.forEach(({ socket }) => socket.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    play(next) {
      closeAll();
      connections = [];
      heads = 0;
      complete = 0;
      script = next;
    },
    requests: () => connections.flatMap(({ text }) => readRequests(text)),
    connections: () => connections.filter(({ text }) => text !== "").length,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      closeAll();
      await closed;
    },
  };
}
